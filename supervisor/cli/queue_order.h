/*
 * The order in which a loop will take its tests, if each passes: the first
 * whose dependency has passed by then. Files that others have locked, which
 * nobody can foresee, are left aside.
 */
#ifndef LOOPKEEPER_CLI_QUEUE_ORDER_H
#define LOOPKEEPER_CLI_QUEUE_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "store/queries_queue.h"

struct queued { /* texts are owned */
	char *id;
	char *category;
	char *depends_on; /* "" for one that has passed */
	char *parked;	  /* what it waits for besides: "DEC-001", or "" */
	bool in_progress;
	bool automatable;
	bool waits; /* for what it depends on */
	bool taken;
	size_t next;	      /* of those that wait for the same; QUEUED_NONE */
	size_t first_waiting; /* of those that wait for this one */
};
#define QUEUED_NONE ((size_t)-1)

/* One that is zeroed is empty. */
struct queue_order {
	struct queued *tests; /* by sort_order */
	size_t n;
	size_t *order; /* indices in tests: those that will be taken, in that
			  order; then those that won't */
	size_t ntaken; /* of the former */
	json_t *by_id; /* id -> index in tests */
	bool cut;      /* there are more of them */
};

/*
 * Reads the queue of a loop and orders it: as much of it as is needed for the
 * first max that will be taken, or all (max -1). Returns 0, or -1 with errno of
 * store.h or ENOMEM. End with queue_order_free() in any case.
 */
int queue_order_read(
    struct queue_order *q, struct store *s, const char *loop_id, int64_t max);
void queue_order_free(struct queue_order *q);

#endif
