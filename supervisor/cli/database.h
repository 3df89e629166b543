/*
 * How commands get at the database: what is said when it is released, locked
 * or not there, and with which exit code.
 */
#ifndef LOOPKEEPER_CLI_DATABASE_H
#define LOOPKEEPER_CLI_DATABASE_H

#include "cli/cli.h"
#include "cli/overview.h"
#include "store/store.h"

/* Opens it after finding the fleet (cli_locate()), or ends the program after
 * an error: with CLI_NOT_RUNNING when there is none because the fleet was
 * never up. */
void database_open(struct cli *cli, struct store *s, enum store_mode mode);

/* The same, but with that exit code where others have it, or it is away, just
 * now. */
void database_open_or(
    struct cli *cli, struct store *s, enum store_mode mode, int code);

/* "loopkeeper: TEXT" for what a call of store/ failed of; CLI_FAILED. */
int database_error(const struct store *s);

/* For the end of a command that has read all it wants: closes s, and returns
 * code; CLI_NOT_RUNNING, after saying so, where all else was well. */
int database_done(const struct cli *cli, struct store *s, int code);

/* A whole command that reads and takes nothing but --all: print gets whether
 * that was given, and returns an exit code. */
int database_list(struct cli *cli, int argc, char **argv,
    int (*print)(const struct cli *cli, struct store *s, bool all));

/*
 * cli_locate() and overview_read() with what the database can add at once;
 * that it can't be read is no error (o->database_error says why). s is open
 * where it can, and the caller closes it in any case. Any other error ends the
 * program.
 */
void database_overview(struct cli *cli, struct overview *o, struct store *s);

/* The name of who gives a command, for rows that say who did it. */
const char *database_user(void);

#endif
