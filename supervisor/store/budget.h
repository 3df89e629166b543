/*
 * What the work has cost, by day, loop and outcome, and whether there is money
 * left for more. Days are those of the machine's local time. Costs are in
 * millionths of a USD. A cost that nobody told is counted apart and never taken
 * for 0.
 */
#ifndef LOOPKEEPER_STORE_BUDGET_H
#define LOOPKEEPER_STORE_BUDGET_H

#include <stdint.h>

#include "base/text.h"
#include "store/store.h"

#define BUDGET_NO_LIMIT	   (-1)
#define BUDGET_REASON_SIZE 192
#define BUDGET_WARNING	   80 /* % of a limit, from which it is warned of */

struct budget_sum {
	int64_t micros;	 /* of what is known */
	int64_t known;	 /* attempts whose cost is */
	int64_t unknown; /* and isn't */
	int64_t tokens;	 /* -1: known of none */
};

struct budget_row {
	const char *loop_id; /* live until the callback returns */
	const char *outcome; /* "running"; "" where no attempt is known */
	struct budget_sum sum;
};

/* For a day, as configured; BUDGET_NO_LIMIT each. */
struct budget_limits {
	int64_t loop_day_micros;
	int64_t day_micros;
};

struct budget_refusal {
	char reason[BUDGET_REASON_SIZE]; /* for people */
	int64_t until_ms;		 /* wall clock: the day's end */
};

/* How one limit stands today. */
struct budget_state {
	struct budget_sum spent;
	int64_t limit;	/* with what it was raised by, or BUDGET_NO_LIMIT */
	int64_t raised; /* of it */
};

/*
 * What was spent in the local day that began at day_ms, by one loop (NULL: by
 * all). What attempts that still run have cost so far counts to today, as far
 * as they told. Returns 0, or -1 with errno of store.h.
 */
int budget_spent(struct store *s, const char *loop_id, int64_t day_ms,
    struct budget_sum *ret);

/* The same by loop and outcome, in this order. Returns 0, what each() returned
 * if that wasn't 0, or -1. each must not use the store. */
int budget_each(struct store *s, int64_t day_ms,
    int (*each)(const struct budget_row *row, void *argument), void *argument);

/* Today's state of the limit of a loop, or of all (NULL). Returns 0 or -1. */
int budget_state(struct store *s, const struct budget_limits *limits,
    const char *loop_id, struct budget_state *ret);

/*
 * Whether the loop may begin another attempt: 1 yes, 0 no with *ret, -1 with
 * errno of store.h. Raises the alerts that are due (once per day at 80 %, once
 * at the limit, with the event budget_exceeded) and clears those of past days
 * and raised limits. Only reads where none is.
 */
int budget_may_claim(struct store *s, const struct budget_limits *limits,
    const char *loop_id, struct budget_refusal *ret);

/*
 * Raises today's limit of a loop, or of all (NULL), which must be configured,
 * by micros more, with the event budget_raised. Returns 0 or -1.
 */
int budget_raise(struct store *s, const struct budget_limits *limits,
    const char *loop_id, int64_t micros, const char *by);

#endif
