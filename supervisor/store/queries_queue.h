/*
 * The queue as operators arrange it: which loop has which test, in which
 * order, and how urgent a loop is. What changes rows does it inside a
 * transaction that the caller begins and ends, so that a command does all of
 * it or nothing.
 */
#ifndef LOOPKEEPER_STORE_QUERIES_QUEUE_H
#define LOOPKEEPER_STORE_QUERIES_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "store/attempts.h"
#include "store/store.h"

/* Where a test stands. */
struct queue_place {
	char loop_id[TEXT_NAME_MAX + 1];
	char status[32];
};

/* Of the test of exactly that id. Returns 1, 0 when there is none, -1 with
 * errno of store.h. */
int queries_place(struct store *s, const char *id, struct queue_place *ret);

/* Each category with each loop that has tests of it; of a category the loop
 * that has most comes first. As queries_each_test(). */
int queries_each_category(struct store *s,
    int (*each)(const char *category, const char *loop_id, void *argument),
    void *argument);

/*
 * Puts n tests of one loop (exact ids, none twice) in this order at the front
 * of its queue, or behind the test after, which is another one of that loop.
 * Notes it as test_moved. Returns 0 or -1.
 */
int queries_order(struct store *s, const char *loop_id, const char *const *ids,
    size_t n, const char *after, const char *by);

/*
 * Gives a test (exact id) that is pending, failed or blocked to another loop,
 * at the end of its queue. Notes it as test_moved. Returns 1, 0 when the test
 * isn't so and stays, -1: EEXIST there is no such loop.
 */
int queries_move(
    struct store *s, const char *id, const char *loop_id, const char *by);

/* A test in the order in which its loop takes them. */
struct queued_row {
	const char *id;
	const char *category;
	const char *status;	/* in_progress or pending */
	const char *depends_on; /* "" also when that one has passed */
	int64_t automatable;
	const char *parked; /* id of the decision or conflict it waits for */
};

/* The first limit (-1: all) tests of a loop that are in progress or pending, by
 * sort_order alone; rows as in queries_tests.h. Returns 0, what each()
 * returned, or -1. */
int queries_each_queued(struct store *s, const char *loop_id, int64_t limit,
    int (*each)(const struct queued_row *row, void *argument), void *argument);

/*
 * Sets a loop's priority. configured is what its configuration says: as long
 * as that stays so, the loop keeps the one that is set here when it starts
 * (claims_begin()). Notes it as priority_changed. Returns 1, 0 when it was so
 * already, -1; *ret_before is the one before.
 */
int queries_set_priority(struct store *s, const char *loop_id, int64_t priority,
    int64_t configured, const char *by, int64_t *ret_before);

/* What a loop that starts with the configured priority has: that one, or what
 * was set beside it. Returns 0 with *ret, or -1. */
int queries_kept_priority(
    struct store *s, const char *loop_id, int64_t configured, int64_t *ret);

#endif
