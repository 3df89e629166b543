/* Events that a command itself gives rise to: through the spool, as everybody
 * else's. */
#ifndef LOOPKEEPER_CLI_TELL_H
#define LOOPKEEPER_CLI_TELL_H

#include "cli/cli.h"

/* One event about component, with who did it and, if not "", why. An event
 * that can't be written is an error on stderr, and no reason to stop. */
void tell_event(const struct cli *cli, const char *type, const char *component,
    const char *why);

#endif
