/* Conflicts between loops for the eyes of people. Rows as in queries_tests.h:
 * texts live until each() returns, are never NULL, and a result other than 0
 * ends the query, which returns it. */
#ifndef LOOPKEEPER_STORE_QUERIES_CONFLICTS_H
#define LOOPKEEPER_STORE_QUERIES_CONFLICTS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/*
 * In SQL, of conflicts c: when the later of its two attempts ended, if nobody
 * settled it before; else NULL. A fleet without a PM closes none, but it is
 * over all the same.
 */
#define QUERIES_CONFLICT_OVER_AT                               \
	"(CASE WHEN c.status = 'open' THEN (SELECT CASE"       \
	" WHEN count(o.ended_at) = 2 THEN max(o.ended_at) END" \
	" FROM attempts o WHERE o.id IN (c.first_attempt,"     \
	" c.second_attempt)) END)"

struct conflict_entry {
	const char *id;
	const char *status; /* open, paused, deciding, closed */
	const char *files;  /* JSON array */
	const char *first_loop;
	int64_t first_priority; /* 0: unknown; so the other's */
	const char *first_test;
	const char *first_attempt;
	const char *second_loop;
	int64_t second_priority;
	const char *second_test;
	const char *second_attempt;
	const char *paused_loop; /* "" before anybody was */
	const char *decision_id;
	const char *choices;	    /* while it waits for an answer: "A|B|C", */
	const char *options;	    /* as stored, */
	const char *default_option; /* and what is taken without one; else "" */
	const char *outcome;
	const char *detected_at;
	const char *closed_at;
	const char *choice; /* the answer, "" without one */
	const char *decided_by;
};

/* Those that are open, and those that ended within a day or, with all, ever;
 * the oldest first. Returns 0, what each() returned, or -1 with errno of
 * store.h. */
int queries_each_conflict(struct store *s, bool all,
    int (*each)(const struct conflict_entry *row, void *argument),
    void *argument);

#endif
