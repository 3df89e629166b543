/*
 * The start order that `after` asks for, as arithmetic on indices into the
 * fleet's array of components. Nothing is allocated; the edges lie in memory
 * of the caller.
 */
#ifndef LOOPKEEPER_MODEL_ORDER_H
#define LOOPKEEPER_MODEL_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/config.h"

struct order_edge {
	uint16_t component; /* it starts ... */
	uint16_t after;	    /* ... when this one lets it pass */
};

struct order {
	struct order_edge *edges; /* the caller's */
	size_t nedges;
	size_t size; /* of edges */
};

/* How many edges n components have at most: the sum of their `after`. */
size_t order_count(struct component_config *const *components, size_t n);

/*
 * Fills edges from the `after` lists of n components. A name that is not
 * among them is left out: a component that was taken away holds nobody up.
 */
void order_build(
    struct order *order, struct component_config *const *components, size_t n);

/* Whether all that i comes after let it pass. passes[] has an entry per
 * component. */
bool order_may_start(const struct order *order, size_t i, const bool *passes);

/* Whether all that come after i are down, so that i may be stopped. */
bool order_may_stop(const struct order *order, size_t i, const bool *down);

/*
 * Looks for a cycle among n components. Returns its length, 0 for none, and
 * writes at most size of its members in order; the first follows the last.
 */
size_t order_find_cycle(
    const struct order *order, size_t n, uint16_t *cycle, size_t size);

#endif
