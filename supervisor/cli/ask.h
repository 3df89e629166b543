/* Requests to the daemon, with what is said when they fail; and events that a
 * command itself gives rise to. */
#ifndef LOOPKEEPER_CLI_ASK_H
#define LOOPKEEPER_CLI_ASK_H

#include <stddef.h>

#include "cli/cli.h"
#include "control/control.h"

/*
 * Sends a request; a daemon that is just being started again is waited for.
 * Returns CLI_DONE with its further lines in reply; CLI_NOT_RUNNING or
 * CLI_FAILED after an error.
 */
int ask_daemon(const struct cli *cli, const char *const *words, size_t nwords,
    char reply[static CONTROL_REPLY_MAX]);

/* Puts one event about component into the spool, with who did it and, if not
 * NULL and "", which loop it is, and why; not in another user's fleet. One that
 * can't be written is an error on stderr, and no reason to stop. */
void ask_tell(const struct cli *cli, const char *type, const char *component,
    const char *loop_id, const char *why);

#endif
