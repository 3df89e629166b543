/*
 * What start, stop, restart, pause and resume do alike: components are named,
 * what is wanted of them is written down, and the daemon is told.
 */
#ifndef LOOPKEEPER_CLI_STEER_H
#define LOOPKEEPER_CLI_STEER_H

#include "cli/overview.h"

struct steering {
	struct cli *cli;
	struct overview o;		     /* as it was before */
	struct overview_component **targets; /* in o; room for all of it */
	size_t n;
	const char *why; /* "" when nobody said */
	bool dry_run;
	bool unwritten; /* steer_write() had to leave it to another user */
};

/* Reads the fleet, which must be running, and finds what the words mean; or
 * ends the program. End with steer_end(). */
void steer_begin(struct steering *s, char **words, size_t nwords);
void steer_end(struct steering *s);

/* Writes down what is wanted of the targets; those of which it is already keep
 * what was said of them. Returns CLI_DONE, or CLI_FAILED after an error. */
int steer_write(struct steering *s, enum wanted_state state);

/* The same for one name, which may be WANTED_DATABASE. */
int steer_write_one(
    const struct steering *s, const char *name, enum wanted_state state);

/* Who wants what is wanted of c. */
const char *steer_by(const struct overview_component *c);

/* Tells the daemon to do word to the targets, if there are any, and says so
 * when it couldn't be written down. */
int steer_tell(const struct steering *s, const char *word);

#endif
