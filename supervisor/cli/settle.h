/*
 * What a command that changes a component waits for: that it is done. Looks at
 * the status record; the keeper writes it, and nobody is asked.
 */
#ifndef LOOPKEEPER_CLI_SETTLE_H
#define LOOPKEEPER_CLI_SETTLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/cli.h"

/* What ran before the command, to be told from what runs after it. */
struct settle_mark {
	pid_t pid; /* 0: nothing */
	uint64_t pid_start;
	int64_t died_ms; /* its last death */
};

void
settle_look(struct settle_mark *ret, const struct cli *cli, const char *name);

/* Waits until nothing of name's tree is left. Returns CLI_DONE, or CLI_FAILED
 * after naming a process that can't be ended. */
int settle_stopped(const struct cli *cli, const char *name);

/*
 * Waits until name runs and is ready, with another process than the marked one
 * if anew. CLI_DONE also where it must wait for others, or has already done
 * what it should, which is said; CLI_FAILED after an error when it can't be
 * started.
 */
int settle_started(const struct cli *cli, const char *name,
    const struct settle_mark *before, bool anew);

#endif
