/*
 * What the operator wants of each component: the file `wanted` in the state
 * directory, text, so that it survives `down`, crashes and reboots. The
 * command line (or the PM) writes it before it tells the daemon; the daemon
 * reads it once, before it starts anything. A component without a line is
 * wanted running.
 *
 * A line: NAME<TAB>stopped|paused|draining<TAB>BY<TAB>ISO-TIME<TAB>WHY
 * WANTED_DATABASE is no component: its line "released" says that nobody of
 * ours may open the database until it is gone.
 */
#ifndef LOOPKEEPER_SYSTEM_WANTED_H
#define LOOPKEEPER_SYSTEM_WANTED_H

#include <stdbool.h>
#include <stddef.h>

#define WANTED_DATABASE "*database*"

enum wanted_state {
	WANTED_RUN, /* no line at all */
	WANTED_STOPPED,
	WANTED_PAUSED,
	WANTED_DRAINING, /* to be paused when the present test is done */
	WANTED_RELEASED, /* of WANTED_DATABASE only */
};

struct wanted_entry {
	enum wanted_state state;
	const char *name;
	const char *by;
	const char *since; /* ISO 8601 UTC */
	const char *why;   /* "" when nobody said */
};

struct wanted {
	struct wanted_entry *entries;
	size_t nentries;
	char *text; /* what the entries point into */
};

/*
 * Reads state_directory/wanted; no such file is an empty one, and a line that
 * can't be understood is left out. Returns 0, or -1 with the errno of open(2),
 * read(2) or malloc(3). The caller ends it with wanted_free().
 */
int wanted_read(const char *state_directory, struct wanted *ret);
void wanted_free(struct wanted *w);

/* The line about name, or NULL: wanted running. */
const struct wanted_entry *
wanted_find(const struct wanted *w, const char *name);

/*
 * Writes n changes at once: each replaces the line about its name, WANTED_RUN
 * takes it away. `since` is set to now where it is NULL. Writers wait for each
 * other; readers see the old file or the new one, and it is on disk before
 * this returns. Returns 0, or -1 with errno and the file untouched; EINVAL
 * for text with a tab or newline in it.
 */
int wanted_write(
    const char *state_directory, const struct wanted_entry *changes, size_t n);

/* "stopped", "paused", ...; "run" for WANTED_RUN. */
const char *wanted_state_name(enum wanted_state state);

#endif
