#include <stdlib.h>
#include <string.h>

#include "store/summary_spans.h"

static int
add_edge(struct summary_spans *spans, const struct summary_edge *edge)
{
	if (spans->n == spans->room) {
		size_t room = spans->room == 0 ? 256 : 2 * spans->room;
		struct summary_edge *edges =
		    reallocarray(spans->edges, room, sizeof(edges[0]));

		if (edges == NULL)
			return -1;
		spans->edges = edges;
		spans->room = room;
	}
	spans->edges[spans->n++] = *edge;
	return 0;
}

int
summary_spans_add(struct summary_spans *spans, size_t loop, int kind,
    int64_t from_ms, int64_t to_ms)
{
	const struct summary *sum = spans->sum;
	struct summary_edge edge = { .loop = loop, .kind = kind };

	edge.at_ms = from_ms < sum->since_ms ? sum->since_ms : from_ms;
	if (to_ms > sum->until_ms)
		to_ms = sum->until_ms;
	if (edge.at_ms >= to_ms)
		return 0;
	edge.step = 1;
	if (add_edge(spans, &edge) < 0)
		return -1;
	edge.at_ms = to_ms;
	edge.step = -1;
	return add_edge(spans, &edge);
}

int
summary_spans_begin(
    struct summary_spans *spans, size_t loop, int kind, int64_t from_ms)
{
	return add_edge(spans,
	    &(struct summary_edge){
		.at_ms = from_ms, .loop = loop, .kind = kind, .step = 0 });
}

static int
compare(const void *a, const void *b)
{
	const struct summary_edge *x = a, *y = b;

	if (x->loop != y->loop)
		return x->loop < y->loop ? -1 : 1;
	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	/* What begins to work at that moment ends what began to last. */
	return abs(x->step) - abs(y->step);
}

struct held {
	int spans[SPAN_KINDS];
	bool lasts[SPAN_KINDS]; /* until there is work */
};

/* What time counts as: the first of the causes, unless there is work. -1 for
 * none. */
static int
judge(const struct held *held)
{
	if (held->spans[LOST_STUCK] > 0)
		return LOST_STUCK;
	if (held->spans[SPAN_WORKED] > 0)
		return -1;
	for (int kind = 0; kind < LOST_CAUSES; kind++)
		if (held->spans[kind] > 0 || held->lasts[kind])
			return kind;
	return -1;
}

static void
pass(struct held *held, const struct summary_edge *e)
{
	held->spans[e->kind] += e->step;
	if (e->step == 0)
		held->lasts[e->kind] = true;
	else if (e->step > 0 &&
	    (e->kind == SPAN_WORKED || e->kind == LOST_STUCK))
		(void)memset(held->lasts, 0, sizeof(held->lasts));
}

void
summary_spans_walk(struct summary_spans *spans)
{
	struct held held = { 0 };

	if (spans->n > 0)
		qsort(spans->edges, spans->n, sizeof(spans->edges[0]), compare);
	for (size_t i = 0; i < spans->n; i++) {
		const struct summary_edge *e = &spans->edges[i], *next = e + 1;
		bool is_last = i + 1 == spans->n || next->loop != e->loop;
		int64_t to_ms = is_last ? spans->sum->until_ms : next->at_ms;
		int kind;

		pass(&held, e);
		kind = judge(&held);
		if (kind >= 0)
			spans->sum->loops[e->loop].lost_ms[kind] +=
			    to_ms - e->at_ms;
		if (is_last)
			held = (struct held){ 0 };
	}
}
