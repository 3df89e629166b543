/*
 * Starting the fleet: the guardian is spawned in a session of its own, and
 * what daemon and helpers say about the start is printed until it is up.
 */
#ifndef LOOPKEEPER_CLI_LAUNCH_H
#define LOOPKEEPER_CLI_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "cli/cli.h"

struct launch {
	pid_t guardian; /* our child; 0: none */
	int report_fd;	/* readable when there is more; -1: at its end */
	bool up;	/* the fleet is */
	size_t len;
	char line[2048]; /* what came after the last newline */
};

/* Makes the state directory and spawns the guardian. Returns CLI_DONE, or
 * CLI_FAILED after an error. */
int launch_start(struct launch *l, const struct cli *cli);

/* Reads what can be read, and prints it. Returns false at the end. */
bool launch_read(struct launch *l);

/* After the end: CLI_DONE if the fleet is up, else CLI_FAILED after saying
 * so. */
int launch_result(const struct launch *l, const struct cli *cli);

#endif
