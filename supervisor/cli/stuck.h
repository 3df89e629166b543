/* status --stuck: only what doesn't get on, each with a command. */
#ifndef LOOPKEEPER_CLI_STUCK_H
#define LOOPKEEPER_CLI_STUCK_H

#include "cli/cli.h"
#include "cli/overview.h"
#include "store/store.h"

/* s may be closed. Returns an exit code. */
int stuck_print(struct cli *cli, const struct overview *o, struct store *s);

#endif
