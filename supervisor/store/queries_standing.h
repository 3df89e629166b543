/*
 * What stands in the way of work right now: locks and who waits for them,
 * conflicts, tests that were parked. Rows as in queries_tests.h: texts live
 * until each() returns, are never NULL, and a result other than 0 ends the
 * query, which returns it.
 */
#ifndef LOOPKEEPER_STORE_QUERIES_STANDING_H
#define LOOPKEEPER_STORE_QUERIES_STANDING_H

#include <stdint.h>

#include "store/store.h"

/* How many files each one has locked, by name. Returns 0, what each() returned,
 * or -1 with errno of store.h. */
int queries_each_lock_count(struct store *s,
    int (*each)(const char *holder, int64_t files, void *argument),
    void *argument);

struct waiter_row {
	const char *waiter;
	const char *holder;
	const char *resource; /* the file */
	const char *waiting_since;
};

/* Who waits for a lock of somebody who has any, the longest first. The same. */
int queries_each_waiter(struct store *s,
    int (*each)(const struct waiter_row *row, void *argument), void *argument);

struct conflict_row {
	const char *id;	   /* "CON-001" */
	const char *files; /* "src/a.c, src/b.c" */
	const char *first_loop;
	const char *second_loop;
	const char *paused_loop; /* "" for none */
	const char *status;
	const char *decision_id; /* "" for none */
	const char *detected_at;
	const char *choice; /* of that decision; "" before it is made */
};

/* Conflicts that aren't over. The same. */
int queries_each_open_conflict(struct store *s,
    int (*each)(const struct conflict_row *row, void *argument),
    void *argument);

struct parked_row {
	const char *test_id;
	const char *loop_id;
	const char *parked;  /* "DEC-001" or "CON-001" */
	const char *summary; /* of that decision; "" for none, as the choice */
	const char *choice;  /* its first one */
};

/* Tests that wait for a decision or a conflict. The same. */
int queries_each_parked(struct store *s,
    int (*each)(const struct parked_row *row, void *argument), void *argument);

#endif
