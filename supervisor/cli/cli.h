/*
 * The command line: one table of commands, one small file per group of them.
 * Commands print and ask; they decide nothing that the daemon, the keepers or
 * the store should decide. What a command can't begin without ends the program
 * where it is missing.
 */
#ifndef LOOPKEEPER_CLI_CLI_H
#define LOOPKEEPER_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/path.h"

#define VERSION "0.1.0" /* as `version` and `status --json` tell it */

/* Exit codes, a contract. */
#define CLI_DONE	0
#define CLI_FAILED	1 /* or, for health, something is unhealthy */
#define CLI_USAGE	2
#define CLI_NOT_RUNNING 3
#define CLI_LATER	75 /* EX_TEMPFAIL, of rollback: nothing was changed */

struct cli {
	const char *config_option;	 /* -c FILE, or NULL */
	char config_path[PATH_SIZE];	 /* absolute, once cli_locate() ran */
	char state_directory[PATH_SIZE]; /* the same */
	bool json;
	bool colour; /* only on a terminal and without NO_COLOR */
};

enum command_group { GROUP_LOOK, GROUP_STEER, GROUP_REPAIR, GROUP_SETUP };

struct command {
	const char *name;
	const char *alias; /* or NULL */
	enum command_group group;
	const char *usage;   /* "NAME [--now]", after the command's name */
	const char *summary; /* one line for help */
	/* argv[0] is the command's name. Returns an exit code. */
	int (*run)(struct cli *cli, int argc, char **argv);
};

/* The table of commands.c, sorted as help shows it. */
extern const struct command commands[];
extern const size_t ncommands;

/* The command of that name or alias; else ends the program, after an error
 * that names the nearest. */
const struct command *cli_command(const char *name);

/* Fills config_path and state_directory, or ends the program. A faulty file is
 * no hindrance as long as its state_directory can be read. */
void cli_locate(struct cli *cli);

/* "loopkeeper: TEXT" on stderr, one line; returns code. */
int cli_error(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, and ends the program with that code. */
_Noreturn void cli_fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says that the supervisor isn't running; returns CLI_NOT_RUNNING. */
int cli_not_running(void);

/* Says how the command is used, and ends the program. */
_Noreturn void cli_usage(const char *command);

/* Path of a program of ours ("loopkeeperd", "loopkeeper-recorder"): beside
 * this one, or in the directory for agents. Returns 0, or -1 with ENOENT. */
int cli_program(char ret[static PATH_SIZE], const char *name);

#endif
