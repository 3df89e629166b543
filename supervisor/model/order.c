#include <string.h>

#include "model/order.h"

size_t
order_count(struct component_config *const *components, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += components[i]->after.count;
	return count;
}

static bool
find_name(struct component_config *const *components, size_t n,
    const char *name, uint16_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(components[i]->name, name) == 0) {
			*ret = (uint16_t)i;
			return true;
		}
	}
	return false;
}

void
order_build(
    struct order *order, struct component_config *const *components, size_t n)
{
	order->nedges = 0;
	for (size_t i = 0; i < n; i++) {
		const struct component_config *c = components[i];

		for (uint32_t k = 0; k < c->after.count; k++) {
			struct order_edge edge = { .component = (uint16_t)i };

			if (order->nedges < order->size &&
			    find_name(components, n,
				config_item(c, c->after, k), &edge.after))
				order->edges[order->nedges++] = edge;
		}
	}
}

bool
order_may_start(const struct order *order, size_t i, const bool *passes)
{
	for (size_t e = 0; e < order->nedges; e++)
		if (order->edges[e].component == i &&
		    !passes[order->edges[e].after])
			return false;
	return true;
}

bool
order_may_stop(const struct order *order, size_t i, const bool *down)
{
	for (size_t e = 0; e < order->nedges; e++)
		if (order->edges[e].after == i &&
		    !down[order->edges[e].component])
			return false;
	return true;
}

/*
 * Kahn's way: takes away whoever waits for nobody any more, until nobody is
 * left (no cycle) or everyone left waits for somebody left.
 */
static size_t
take_away_free(const struct order *order, size_t n, bool *gone)
{
	size_t left = n;
	bool moved = true;

	while (moved && left > 0) {
		moved = false;
		for (size_t i = 0; i < n; i++) {
			if (gone[i] || !order_may_start(order, i, gone))
				continue;
			gone[i] = true;
			left--;
			moved = true;
		}
	}
	return left;
}

/* Somebody left whom i waits for; there is one. */
static uint16_t
waits_for(const struct order *order, uint16_t i, const bool *gone)
{
	for (size_t e = 0; e < order->nedges; e++)
		if (order->edges[e].component == i &&
		    !gone[order->edges[e].after])
			return order->edges[e].after;
	return i;
}

size_t
order_find_cycle(
    const struct order *order, size_t n, uint16_t *cycle, size_t size)
{
	bool gone[CONFIG_COMPONENTS_MAX] = { false };
	uint16_t at = 0, first;
	size_t len = 0;

	if (n > CONFIG_COMPONENTS_MAX || take_away_free(order, n, gone) == 0)
		return 0;
	while (gone[at])
		at++;
	/* After n steps along the chain we are inside a cycle for certain. */
	for (size_t i = 0; i < n; i++)
		at = waits_for(order, at, gone);
	first = at;
	do {
		if (len < size)
			cycle[len] = at;
		len++;
		at = waits_for(order, at, gone);
	} while (at != first);
	return len;
}
