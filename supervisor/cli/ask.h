/* Requests to the daemon, with what is said when they fail. */
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

/* CLI_DONE if the supervisor runs, else CLI_NOT_RUNNING after saying so. */
int ask_running(const struct cli *cli);

#endif
