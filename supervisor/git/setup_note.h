/*
 * Where a worktree has been set up: what setup depended on, as a fingerprint,
 * and the paths that it made, which are to stay. The note lies beside git's
 * own files of the worktree, out of the worker's reach, and is gone with them.
 */
#ifndef LOOPKEEPER_GIT_SETUP_NOTE_H
#define LOOPKEEPER_GIT_SETUP_NOTE_H

#include <stdint.h>

#include "git/worktree.h"

struct setup_note {
	bool is_there; /* setup has been run */
	uint64_t fingerprint;
	char **made; /* owned, NULL-ended; NULL unless it is there */
};

/* Returns 0 with what there is, to be freed by setup_note_free(); or -1 as
 * git.h says. */
int setup_note_read(
    struct git *g, const struct worktree *w, struct setup_note *ret);
void setup_note_free(struct setup_note *note);

/* Returns 0 or -1. */
int setup_note_write(struct git *g, const struct worktree *w,
    uint64_t fingerprint, char *const *made);

/* Returns 0, also where there was none; or -1. */
int setup_note_remove(struct git *g, const struct worktree *w);

#endif
