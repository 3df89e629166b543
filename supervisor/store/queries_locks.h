/*
 * Locks, who waits for them, and deadlocks, for the eyes of people. Rows as in
 * queries_tests.h: texts live until each() returns, are never NULL, and a
 * result other than 0 ends the query, which returns it.
 */
#ifndef LOOPKEEPER_STORE_QUERIES_LOCKS_H
#define LOOPKEEPER_STORE_QUERIES_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "store/store.h"

struct lock_row {
	const char *file_path;
	const char *locked_by;
	const char *test_id;
	const char *locked_at;
	const char *expires_at; /* "" for never */
	const char *lock_reason;
	const char *waiters; /* JSON array of names */
	bool live;	     /* else its time is over: it locks nothing */
	bool is_loop;	     /* of whoever holds it: he has a row in loops, */
	bool works;	     /* has an open attempt, */
	bool beats;	     /* gave a sign of life in the last ten minutes */
};

int queries_each_lock(struct store *s,
    int (*each)(const struct lock_row *row, void *argument), void *argument);

/* One that was resolved. */
struct deadlock_row {
	const char *timestamp;
	const char *cycle;
	const char *victim;
	const char *test_id; /* "" where the victim was at none */
	const char *source;  /* who found it */
};

/* Those of the last since_ms, the newest first. */
int queries_each_deadlock(struct store *s, int64_t since_ms,
    int (*each)(const struct deadlock_row *row, void *argument),
    void *argument);

/* Everybody who holds a lock or waits for one. */
int queries_each_holder(struct store *s,
    int (*each)(const char *name, void *argument), void *argument);

/* The open attempt of a loop, and what it has cost so far; or what a loop of
 * another program is at. */
struct work_row {
	const char *test_id;
	int64_t attempt;
	int64_t max_attempts; /* 0: what the loop's configuration says */
	const char *started_at;
	double cost_usd; /* -1: nobody knows */
	const char *snapshot_ref;
	bool is_ours; /* an attempt: it can be ended */
};

/* Calls each() for it, if there is one. */
int queries_work(struct store *s, const char *loop_id,
    int (*each)(const struct work_row *row, void *argument), void *argument);

#endif
