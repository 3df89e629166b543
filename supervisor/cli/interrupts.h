/*
 * INT, TERM and HUP, held back while there is something to put in order first.
 * Those that the caller was started to ignore stay ignored.
 */
#ifndef LOOPKEEPER_CLI_INTERRUPTS_H
#define LOOPKEEPER_CLI_INTERRUPTS_H

#include <signal.h>
#include <stdbool.h>

struct interrupts {
	bool is_held; /* by interrupts_hold() */
	sigset_t held;
	sigset_t before; /* the mask of signals */
};

/* Returns 0, or -1 with errno. */
int interrupts_hold(struct interrupts *i);

/* Whether one has come and waits. */
bool interrupts_came(const struct interrupts *i);

/* One that has come does its work now: as a rule this doesn't return then. */
void interrupts_release(const struct interrupts *i);

#endif
