/*
 * Two loops have changed the same files, and what they did doesn't go together.
 * One goes first; the test of the other one is parked meanwhile, then it goes
 * on with its work on top of that or, where that doesn't apply, as a human
 * decides. All of it is in the row, so that whoever settles it may die at any
 * moment:
 *
 *   open -> paused -> [deciding] -> closed
 */
#ifndef LOOPKEEPER_STORE_CONFLICTS_H
#define LOOPKEEPER_STORE_CONFLICTS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/attempts.h"
#include "store/decisions.h"
#include "store/store.h"

#define CONFLICT_ID_SIZE    DECISION_SUBJECT_SIZE
#define CONFLICT_FILES_SIZE 1024
#define CONFLICT_DECISION   "file_conflict"

/* What becomes of the work of an attempt that was interrupted, when its test
 * is claimed again (attempts.take_up). */
enum conflict_take_up {
	TAKE_UP_NOTHING,
	TAKE_UP_WORK,	  /* it is in the worktree again, if it applies */
	TAKE_UP_OVERRIDE, /* it applies anyhow: its own files prevail */
};

struct conflict_side {
	char loop_id[TEXT_NAME_MAX + 1];
	char test_id[ATTEMPT_TEST_SIZE]; /* "": unknown */
	char attempt_id[UUID_SIZE];	 /* "": none of ours */
};

struct conflict {
	char id[CONFLICT_ID_SIZE]; /* "CON-001" */
	char status[16];
	char files[CONFLICT_FILES_SIZE]; /* for people: "a.c, b.c" */
	struct conflict_side first;	 /* goes first, from paused on */
	struct conflict_side second;
	bool first_ended;  /* its attempt */
	bool second_ended; /* the same */
	bool waits;	   /* the second one's test, for this */
	bool let_go;	   /* nothing of the second's attempt runs any more */
	bool asked;	   /* a decision waits to be made, or to be done */
	/* Of the second's attempt; "" for none. */
	char repository[PATH_SIZE];
	char branch[128]; /* the integration branch */
	char base_commit[ATTEMPT_COMMIT_SIZE];
	char snapshot_ref[ATTEMPT_REF_SIZE];
};

/*
 * Two attempts have changed these files (NULL-ended) so that it doesn't go
 * together: a new row, with event file_conflict. Returns 1; 0 when there is one
 * for the two, or one of them has ended; -1 with errno of store.h.
 */
int conflicts_open(struct store *s, const char *attempt, const char *other,
    char *const *files, const char *by);

/* Whether there is one for the two, however it stands: 1, 0, -1. */
int conflicts_known(struct store *s, const char *attempt, const char *other);

/* They have changed these files, and it goes together: event same_file_changed,
 * once. Returns 1 told, 0 it was already, -1. */
int conflicts_note_clean(struct store *s, const char *attempt,
    const char *other, char *const *files, const char *by);

/*
 * An attempt has met, before it was merged, what doesn't go together with its
 * work and was merged first, as that commit: by an attempt of the loop and test
 * of other or, with "" for these, by somebody else. A conflict that was open
 * between the two is over, else it is noted as one that is. Returns 0 or -1.
 */
int conflicts_met(struct store *s, const struct attempt_key *key,
    const struct conflict_side *other, const char *commit, char *const *files);

/* The first open one whose id is behind this one ("": of all). Returns 1, 0, or
 * -1. */
int conflicts_next(struct store *s, const char *behind, struct conflict *ret);

/* An open one that the loop is a party of: 1, 0, or -1. */
int
conflicts_of_loop(struct store *s, const char *loop_id, struct conflict *ret);

/*
 * The steps of settling one, each a transaction that does nothing when the row
 * isn't any more as it was read. Return 1 done, 0, or -1.
 *
 * pause: of an open one; the loop with the lower priority, else the younger
 * attempt, is the second from now on, but none whose test had to wait three
 * times within an hour. Its attempt is ended and its test parked;
 * one that is none of ours is only asked to pause.
 */
int conflicts_pause(struct store *s, const struct conflict *c, const char *by);

/* The second one goes on, with its work if it has any. outcome is for people:
 * "loop-2 goes on on top of it". */
int conflicts_resume(struct store *s, const struct conflict *c,
    const char *outcome, const char *by);

/* Its work doesn't apply to what there is now, because of these files: asks A
 * keep first, B keep second, C by hand. */
int conflicts_ask(struct store *s, const struct conflict *c, const char *files,
    int64_t timeout_ms, const char *boot_id, const char *by);

/* It has come to an end by itself. */
int conflicts_close(struct store *s, const struct conflict *c,
    const char *outcome, const char *by);

/* The answer's effect, as long as the test waits for it. */
decisions_effect conflicts_apply;

#endif
