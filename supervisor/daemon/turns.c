#include "daemon/turns.h"
#include "daemon/crew.h"
#include "daemon/daemon.h"

/* Whether those behind i may start, as far as i is concerned. */
static bool
lets_pass(const struct daemon *d, size_t i)
{
	const struct component *c = &d->members[i].component;
	const struct link *l = d->links[i];

	if (l->want != WANT_RUN)
		return true;
	/* A keeper that can't be had is like a component that can't start. */
	if (l->pid == 0)
		return l->born_ms != 0;
	return l->heard && c->want == WANT_RUN && c->go &&
	    component_lets_pass(c);
}

static void
go(struct daemon *d, size_t i)
{
	struct link *l = d->links[i];

	/* The check has the database to itself, however long it takes. */
	if (d->checking && crew_is_recorder(d, i))
		return;
	if (l->go || !order_may_start(&d->roster.order, i, d->passes))
		return;
	l->go = true;
	if (l->pid != 0)
		link_tell(d, l, MESSAGE_GO);
}

void
turns_start(struct daemon *d)
{
	const struct order *order = &d->roster.order;

	for (size_t i = 0; i < d->roster.n; i++)
		d->passes[i] = lets_pass(d, i);
	/* Those without `after` are asked once; whom they hold up, again when
	 * they let pass. */
	if (!d->first_turn_done)
		for (size_t i = 0; i < d->roster.n; i++)
			go(d, i);
	d->first_turn_done = true;
	for (size_t e = 0; e < order->nedges; e++)
		if (d->passes[order->edges[e].after])
			go(d, order->edges[e].component);
}

static bool
is_down(const struct daemon *d, size_t i)
{
	return d->links[i]->pid == 0 || d->members[i].component.unkillable;
}

size_t
turns_stop(struct daemon *d)
{
	size_t alive = 0;

	for (size_t i = 0; i < d->roster.n; i++)
		d->passes[i] = is_down(d, i);
	for (size_t i = 0; i < d->roster.n; i++) {
		struct link *l = d->links[i];

		if (l->member < 0 || d->roster.components[i]->housekeeping)
			continue;
		alive += l->pid != 0;
		if (!l->dismissed &&
		    order_may_stop(&d->roster.order, i, d->passes))
			link_dismiss(d, l);
	}
	return alive;
}
