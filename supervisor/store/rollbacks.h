/*
 * The rows of a rollback. The branch moves before they are committed: who finds
 * the reverts there but a test still passing by what was reverted (a row of
 * passing_tests) has this half left to do.
 */
#ifndef LOOPKEEPER_STORE_ROLLBACKS_H
#define LOOPKEEPER_STORE_ROLLBACKS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

struct rollback_row {
	const char *test_id;
	const char *commit; /* that was reverted */
	bool reset;	    /* false: it has passed by another one since */
};

struct rollback {
	const char *loop_id;
	const char *git_ref; /* that was gone back to; NULL: all was undone, */
	const char *test_id; /* or only this one's; NULL */
	const char *by;
	const struct rollback_row *rows;
	size_t nrows;
};

/* Whether the test stands as passed by that commit: 1, 0, or -1. */
int
rollbacks_is_passing(struct store *s, const char *test_id, const char *commit);

/*
 * In one transaction: the tests are pending again, with all of their attempts
 * and the reason "rolled back", unless they are skipped, and nothing says any
 * more that they pass; with what their work broke (regressions.h) as evidence
 * for who does it anew, and events. move (may be NULL), which must not use the
 * store, is called last: unless it returns 0 nothing is written. Returns how
 * many were reset; or -1 with errno of store.h, or that of move.
 */
int rollbacks_write(struct store *s, const struct rollback *r,
    int (*move)(void *argument), void *argument);

/* One commit that was rolled back is on the branch again. */
struct rollback_undo {
	const char *loop_id;
	const char *test_id; /* "": of none */
	const char *commit;
	const char *tip; /* of the branch */
	const char *by;
};

/* Whether the test has passed: 1, 0, or -1. */
int rollbacks_has_passed(struct store *s, const char *test_id);

/* In one transaction: the test is passed by that commit again, whatever works
 * on it now ends, and an event. move as above. Returns 0; or -1 with errno of
 * store.h (EEXIST: the test has passed anew), or that of move. */
int rollbacks_undo(struct store *s, const struct rollback_undo *u,
    int (*move)(void *argument), void *argument);

#endif
