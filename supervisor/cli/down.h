/* Ending the fleet: in order, or at once. */
#ifndef LOOPKEEPER_CLI_DOWN_H
#define LOOPKEEPER_CLI_DOWN_H

#include <stdbool.h>

#include "cli/cli.h"

/*
 * Kills everything that belongs to the fleet, asking nobody, and proves that
 * nothing is left (see the head of down_now.c). From inside the fleet only
 * with yes. Returns an exit code.
 */
int down_now(struct cli *cli, bool yes);

/*
 * Asks the daemon to end the fleet, else whoever can be had above the keepers.
 * Returns 0, or -1 with errno: ESRCH there is nobody, or nobody whom we may
 * signal; EPERM the daemon has refused, which is said.
 */
int down_ask(const char *state_directory);

/* Whether the fleet of this state directory ended on purpose, or never was:
 * there is no link to a run directory. */
bool down_is_clean(const char *state_directory);

#endif
