/* What the monitor judges the loops by. */
#ifndef LOOPKEEPER_STORE_PROGRESS_H
#define LOOPKEEPER_STORE_PROGRESS_H

#include "base/path.h"
#include "store/attempts.h"
#include "store/store.h"

struct progress { /* of the attempt that a loop is in */
	char attempt_id[UUID_SIZE];
	char test_id[ATTEMPT_TEST_SIZE];
	char state[16];
	char base_commit[ATTEMPT_COMMIT_SIZE]; /* "" before it is planned */
	char transcript[PATH_SIZE];	       /* or "" */
};

/* Returns 1, 0 when the loop is in none, or -1 with errno of store.h. */
int
progress_of_loop(struct store *s, const char *loop_id, struct progress *ret);

/* The id of the last event that the loop itself told. Returns 1, 0 when there
 * is none, or -1. */
int progress_last_event(
    struct store *s, const char *loop_id, char *ret, size_t size);

/* What the test's attempts may change, as its columns have it. */
struct progress_scope {
	char *files; /* owned, patterns in JSON; "" for any */
	char *test_files;
	bool allow_test_changes;
};

/* Returns 1 with *ret to be freed by progress_scope_free(), 0 when there is no
 * such test, or -1. */
int progress_scope(
    struct store *s, const char *test_id, struct progress_scope *ret);
void progress_scope_free(struct progress_scope *scope);

struct foreign_loop { /* texts live until found() returns */
	const char *loop_id;
	const char *test_id;
	const char *updated_at;
	int64_t pid; /* 0: unknown */
};

/*
 * Calls found for each loop that runs and has a test, but no attempt: of
 * another program, which knows the database alone. found must not use the
 * store. Returns 0 or -1.
 */
int progress_foreign(struct store *s,
    void (*found)(const struct foreign_loop *loop, void *argument),
    void *argument);

struct failing {
	const char *test_id; /* texts live until found() returns */
	const char *loop_id;
	const char *last_result;
	int failures; /* in a row, since the test was last reset */
};

/*
 * Calls found for each test, not passed and not skipped, that has failed that
 * often in a row. found must not use the store. Returns 0 or -1.
 */
int progress_failing(struct store *s, int failures,
    void (*found)(const struct failing *test, void *argument), void *argument);

#endif
