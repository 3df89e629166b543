/*
 * What happened, and was decided, over the head of whoever was away, and what
 * is left for him. Rows as in queries_tests.h: texts live until each() returns,
 * are never NULL, and a result other than 0 ends the query, which returns it.
 */
#ifndef LOOPKEEPER_STORE_SUMMARY_ACTS_H
#define LOOPKEEPER_STORE_SUMMARY_ACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/queries_events.h"
#include "store/store.h"

struct decided_row {
	const char *id; /* "DEC-001" */
	const char *decision_type;
	const char *summary;
	const char *status; /* "auto_resolved": by its default */
	const char *choice;
	const char *description; /* of the choice */
	const char *decided_by;
	const char *decided_at;
	const char *test_id; /* that it is about; "" for none, as the loop */
	const char *loop_id;
	const char *rolled_back; /* the commit and whose it was; "" */
	const char *rolled_back_loop;
};

/* Decisions since then that took their default, or had none when their time was
 * over (choice is ""), or that a component answered, the newest first. Returns
 * 0, what each() returned, or -1 with errno of store.h. */
int summary_each_decided(struct store *s, int64_t since_ms,
    int (*each)(const struct decided_row *row, void *argument), void *argument);

/* Events of one type since then that a component caused (by, or source), or
 * anybody; the newest first. The same. */
int summary_each_event(struct store *s, int64_t since_ms, const char *type,
    bool by_components,
    int (*each)(const struct event_row *row, void *argument), void *argument);

struct broken_row { /* a regression */
	const char *test_id;
	const char *loop_id;
	const char *status; /* "open" */
	const char *commit; /* the one that broke it or, while it isn't found,
			       one on which it fails */
	bool is_found;
	const char *blamed_loop; /* "" unknown, as the test */
	const char *blamed_test;
	const char *decision_id;
	const char *detected_at;
	const char *closed_at;
	const char *result; /* of its test, as in queries_regressions.h */
};

/* Regressions that are open, or were found or closed since then, the open ones
 * first. The same. */
int summary_each_regression(struct store *s, int64_t since_ms,
    int (*each)(const struct broken_row *row, void *argument), void *argument);

struct settled_row {	/* a conflict that was settled without a human */
	const char *id; /* "CON-001" */
	const char *first_loop;
	const char *second_loop;
	const char *outcome;
	const char *closed_at;
	const char *ahead; /* the test whose work was merged first, while the
			      other one hasn't passed yet; "" */
};

/* Since then, the newest first. The same. */
int summary_each_settled(struct store *s, int64_t since_ms,
    int (*each)(const struct settled_row *row, void *argument), void *argument);

struct blocked_row {
	const char *id;
	const char *loop_id;
	const char *reason;
};

/* The first tests, limit at most (-1: all), that are blocked or failed for good
 * and that no decision is pending about. The same. */
int summary_each_blocked(struct store *s, int64_t limit,
    int (*each)(const struct blocked_row *row, void *argument), void *argument);

/* How many a decision is pending about. Returns 0 or -1. */
int summary_count_asked(struct store *s, int64_t *ret);

#endif
