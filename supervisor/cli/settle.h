/*
 * What a command that changes a component waits for: that it is done. Looks at
 * the status record; the keeper writes it, and nobody is asked.
 */
#ifndef LOOPKEEPER_CLI_SETTLE_H
#define LOOPKEEPER_CLI_SETTLE_H

#include <stdbool.h>

#include "cli/keepers.h"
#include "cli/overview.h"

/* Waits until nothing of name's tree is left. Returns CLI_DONE, or CLI_FAILED
 * after naming a process that can't be ended, or when somebody has started it
 * meanwhile; CLI_NOT_RUNNING if the fleet ends before. */
int settle_stopped(const struct cli *cli, const char *name);

/* Waits until its keeper has heard that it is to run; not for long, as somebody
 * may have paused it again. Without a keeper there is nothing to wait for. */
void settle_resumed(const struct cli *cli, const char *name);

/* Names the process that can't be ended, and what follows. CLI_FAILED. */
int settle_unkillable(const struct keeper_seen *seen, const char *follows);

/*
 * Waits until a component runs and is ready, with another process than before
 * if anew, and prints what it has come to. CLI_DONE also where it must wait
 * for others, or has already done what it should; CLI_FAILED after an error
 * when it can't be started, or nobody wants it to be any more; CLI_NOT_RUNNING
 * when the fleet has ended.
 */
int settle_started(
    const struct cli *cli, const struct overview_component *before, bool anew);

#endif
