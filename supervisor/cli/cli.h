/*
 * The command line: one table of commands, one small file per group of them.
 * Commands print and ask; they decide nothing that the daemon, the keepers or
 * the store should decide.
 */
#ifndef LOOPKEEPER_CLI_CLI_H
#define LOOPKEEPER_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/path.h"

/* Exit codes, a contract. */
#define CLI_DONE	0
#define CLI_FAILED	1 /* or, for health, something is unhealthy */
#define CLI_USAGE	2
#define CLI_NOT_RUNNING 3

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

/* Fills config_path and state_directory. Returns CLI_DONE, or CLI_FAILED
 * after an error on stderr. A faulty file is no hindrance as long as its
 * state_directory can be read. */
int cli_locate(struct cli *cli);

/* "loopkeeper: TEXT" on stderr, one line; returns code. */
int cli_error(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says how the command is used, on stderr; returns CLI_USAGE. */
int cli_usage(const char *command);

/*
 * The component that word means: an exact name, or the only one that begins
 * with it, in any case. Looks in the run directory's c/ first, then in the
 * configuration. Writes the name (TEXT_NAME_MAX + 1 bytes). Returns CLI_DONE,
 * or CLI_FAILED after an error that names the nearest or the candidates.
 */
int cli_component(struct cli *cli, const char *word, char *ret_name);

/* Path of a program of ours ("loopkeeperd", "loopkeeper-recorder"): beside
 * this one, or in the directory for agents. Returns 0, or -1 with ENOENT. */
int cli_program(char ret[static PATH_SIZE], const char *name);

#endif
