#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/queue_order.h"

#define AHEAD 4 /* times as many as are wanted are looked at */

static int
add(const struct queued_row *row, void *argument)
{
	struct queue_order *q = argument;
	void *tests = reallocarray(q->tests, q->n + 1, sizeof(q->tests[0]));
	struct queued *t;

	if (tests == NULL)
		return -1;
	q->tests = tests;
	t = &q->tests[q->n++];
	*t = (struct queued){
		.id = strdup(row->id),
		.category = strdup(row->category),
		.depends_on = strdup(row->depends_on),
		.parked = strdup(row->parked),
		.in_progress = strcmp(row->status, "in_progress") == 0,
		.automatable = row->automatable != 0,
		.next = QUEUED_NONE,
		.first_waiting = QUEUED_NONE,
	};
	t->waits = !t->in_progress && row->depends_on[0] != '\0';
	/* Other programs' ids may be any bytes. */
	if (t->id != NULL && t->category != NULL && t->depends_on != NULL &&
	    t->parked != NULL &&
	    json_object_set_new_nocheck(
		q->by_id, row->id, json_integer((json_int_t)q->n - 1)) == 0)
		return 0;
	errno = ENOMEM;
	return -1;
}

/* Links each to what it waits for, if that is in this queue; from the last on,
 * so that each list begins with its first. */
static void
link_waiting(struct queue_order *q)
{
	for (size_t i = q->n; i-- > 0;) {
		const json_t *found =
		    json_object_get(q->by_id, q->tests[i].depends_on);
		struct queued *holder;

		if (found == NULL || !q->tests[i].waits)
			continue;
		holder = &q->tests[json_integer_value(found)];
		q->tests[i].next = holder->first_waiting;
		holder->first_waiting = i;
	}
}

/* Those that may be taken now and stand before where the loop has come. */
struct ready {
	size_t *items; /* the next one is the last */
	size_t n;
};

static void
add_ready(struct ready *r, size_t i)
{
	size_t at = r->n++;

	for (; at > 0 && r->items[at - 1] < i; at--)
		r->items[at] = r->items[at - 1];
	r->items[at] = i;
}

/* Unless it waits for another test. Nobody knows when a question is answered.
 */
static bool
may_be_begun(const struct queued *t)
{
	return t->in_progress || (t->automatable && t->parked[0] == '\0');
}

static void
take(struct queue_order *q, struct ready *ready, size_t i, size_t reached)
{
	q->tests[i].taken = true;
	q->order[q->ntaken++] = i;
	for (size_t w = q->tests[i].first_waiting; w != QUEUED_NONE;
	     w = q->tests[w].next) {
		q->tests[w].waits = false;
		/* The others are still to come. */
		if (w < reached && may_be_begun(&q->tests[w]))
			add_ready(ready, w);
	}
}

/* Goes through the queue as the loop will. */
static void
simulate(struct queue_order *q, struct ready *ready)
{
	for (size_t i = 0; i < q->n; i++) {
		const struct queued *t = &q->tests[i];

		if (t->waits || !may_be_begun(t))
			continue;
		take(q, ready, i, i);
		while (ready->n > 0)
			take(q, ready, ready->items[--ready->n], i);
	}
}

/* The first limit of the queue, which is right as far as they go: none that is
 * behind them is taken before one of them. */
static int
read_first(
    struct queue_order *q, struct store *s, const char *loop_id, int64_t limit)
{
	struct ready ready = { 0 };
	size_t last;

	*q = (struct queue_order){ .by_id = json_object() };
	if (q->by_id == NULL ||
	    queries_each_queued(s, loop_id, limit, add, q) != 0)
		return -1;
	q->cut = limit >= 0 && q->n == (size_t)limit;
	q->order = calloc(q->n + 1, sizeof(q->order[0]));
	ready.items = calloc(q->n + 1, sizeof(ready.items[0]));
	if (q->order == NULL || ready.items == NULL) {
		free(ready.items);
		return -1;
	}
	link_waiting(q);
	simulate(q, &ready);
	free(ready.items);
	last = q->ntaken;
	for (size_t i = 0; i < q->n; i++)
		if (!q->tests[i].taken)
			q->order[last++] = i;
	return 0;
}

int
queue_order_read(
    struct queue_order *q, struct store *s, const char *loop_id, int64_t max)
{
	int64_t limit = max < 0 ? -1 : AHEAD * max;

	/* Where most of them wait for others, more are looked at. */
	while (read_first(q, s, loop_id, limit) == 0) {
		if (!q->cut || q->ntaken >= (size_t)max)
			return 0;
		queue_order_free(q);
		limit *= AHEAD;
	}
	return -1;
}

void
queue_order_free(struct queue_order *q)
{
	for (size_t i = 0; i < q->n; i++) {
		free(q->tests[i].id);
		free(q->tests[i].category);
		free(q->tests[i].depends_on);
		free(q->tests[i].parked);
	}
	free(q->tests);
	free(q->order);
	json_decref(q->by_id);
	*q = (struct queue_order){ .n = 0 };
}
