/*
 * Everything that holds for a while is a span of a loop: an attempt, a pause, a
 * limit. One walk along the edges of all spans tells for each moment what held,
 * and what the time counts as.
 */
#ifndef LOOPKEEPER_STORE_SUMMARY_SPANS_H
#define LOOPKEEPER_STORE_SUMMARY_SPANS_H

#include "store/summary.h"

#define SPAN_WORKED LOST_CAUSES /* a kind of span whose time isn't lost */
#define SPAN_KINDS  (LOST_CAUSES + 1)

struct summary_edge {
	int64_t at_ms;
	size_t loop;
	int kind; /* a cause, or SPAN_WORKED */
	int step; /* 1 it begins, -1 it ends */
};

/* Zeroed but for sum it is empty. */
struct summary_spans {
	struct summary *sum;
	struct summary_edge *edges; /* owned */
	size_t n;
	size_t room;
};

/* Adds as much of a span as lies in the window. Returns 0, or -1 with ENOMEM.
 */
int summary_spans_add(struct summary_spans *spans, size_t loop, int kind,
    int64_t from_ms, int64_t to_ms);

/* The same for what holds until the loop works again. */
int summary_spans_begin(
    struct summary_spans *spans, size_t loop, int kind, int64_t from_ms);

/* Adds to lost_ms of each loop, once all spans are there. */
void summary_spans_walk(struct summary_spans *spans);

#endif
