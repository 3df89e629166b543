/*
 * `up` without -d: stays with the fleet until it ends. Prints what happens
 * (unless it is only attached), passes TERM and INT on as `down`, a second INT
 * as `down --now`, and reaps what falls to it, for it may be the first process
 * of a pid namespace.
 */
#ifndef LOOPKEEPER_CLI_FOLLOW_H
#define LOOPKEEPER_CLI_FOLLOW_H

#include <stdbool.h>

#include "cli/cli.h"
#include "cli/launch.h"

struct follow {
	struct cli *cli;
	bool print;	      /* events, as they come */
	struct launch launch; /* a start under way; see launch_start() */
	int signal_fd;
	struct timeline *timeline; /* NULL: none */
	int guardian_fd;	   /* pidfd; -1: none is known */
	bool detached;		   /* the terminal is gone */
	int interrupts;
	bool down_sent;
};

/* Blocks the signals that are to be followed; before the launch. Returns
 * CLI_DONE, or CLI_FAILED after an error. */
int follow_begin(struct follow *f, struct cli *cli, bool print);

/* One turn: waits timeout_ms at most (-1: for anything to happen) and does
 * what is due. Returns 0, or -1 with poll(2)'s errno. */
int follow_turn(struct follow *f, int timeout_ms);

/* Prints the start to its end. Returns CLI_DONE when the fleet is up. */
int follow_launch(struct follow *f);

/* Follows a living fleet. Returns the exit code: CLI_DONE when it ended on
 * purpose, or the terminal was closed; CLI_FAILED when it died. */
int follow_fleet(struct follow *f);

void follow_end(struct follow *f);

#endif
