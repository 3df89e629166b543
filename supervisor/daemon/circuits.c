#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/circuits.h"
#include "daemon/daemon.h"

#define JUDGE_AFTER_MS 1000 /* restarts that come at once are done by then */

static struct fleet_circuit *
find(struct fleet_circuit *circuits, size_t n, const char *kind)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(circuits[i].kind, kind) == 0)
			return &circuits[i];
	return NULL;
}

int
circuits_build(struct daemon *d)
{
	struct fleet_circuit *circuits =
	    calloc(d->roster.n + 1, sizeof(*circuits));
	size_t n = 0;

	if (circuits == NULL) {
		d->ncircuits = 0; /* the old ones are of another roster */
		return -1;
	}
	for (size_t i = 0; i < d->roster.n; i++) {
		const struct component_config *c = d->roster.components[i];
		struct fleet_circuit *old;

		if (c->housekeeping || c->kind[0] == '\0' ||
		    find(circuits, n, c->kind) != NULL)
			continue;
		/* The canary's index is of the roster before: another one is
		 * chosen by the next judgement. */
		old = find(d->circuits, d->ncircuits, c->kind);
		if (old != NULL) {
			circuits[n] = *old;
			circuits[n].canary = i;
			if (old->open)
				daemon_sooner(&d->circuits_ms, clock_ms());
		}
		(void)memcpy(circuits[n].kind, c->kind, sizeof(c->kind));
		n++;
	}
	free(d->circuits);
	d->circuits = circuits;
	d->ncircuits = n;
	return 0;
}

static void
tell(struct daemon *d, const struct fleet_circuit *circuit)
{
	daemon_begin_event(d,
	    circuit->open ? "fleet_circuit_opened" : "fleet_circuit_closed",
	    circuit->open ? d->roster.components[circuit->canary]->name : NULL);
	event_text(&d->event, "kind", circuit->kind);
	if (circuit->open) {
		const struct component_death death = { .cause = circuit->cause,
			.code = circuit->code };
		char text[128];

		component_describe_death(text, sizeof(text), &death);
		event_text(&d->event, "cause", text);
		event_text(&d->event, "canary",
		    d->roster.components[circuit->canary]->name);
	}
	daemon_tell(d);
}

static void
hold(struct daemon *d, size_t i, bool held)
{
	struct link *l = d->links[i];

	d->members[i].held = held;
	if (l->held == held)
		return;
	l->held = held;
	if (l->pid != 0)
		link_tell(d, l, held ? MESSAGE_HOLD : MESSAGE_RELEASE);
}

static void
apply(struct daemon *d, const struct fleet_circuit *circuit)
{
	for (size_t i = 0; i < d->roster.n; i++) {
		const struct component *c = &d->members[i].component;

		if (strcmp(d->roster.components[i]->kind, circuit->kind) != 0)
			continue;
		hold(d, i,
		    circuit->open && i != circuit->canary &&
			(c->state != COMPONENT_RUNNING || c->fallback));
	}
}

void
circuits_heed(struct daemon *d, size_t i, bool died)
{
	const struct fleet_circuit *circuit =
	    find(d->circuits, d->ncircuits, d->roster.components[i]->kind);

	if (circuit != NULL && (died || circuit->open))
		daemon_sooner(&d->circuits_ms,
		    clock_ms() + (circuit->open ? 0 : JUDGE_AFTER_MS));
}

void
circuits_inherit(struct daemon *d, size_t i)
{
	const struct component_death *death = &d->members[i].component.death;
	struct fleet_circuit *circuit =
	    find(d->circuits, d->ncircuits, d->roster.components[i]->kind);

	if (circuit == NULL) {
		link_tell(d, d->links[i], MESSAGE_RELEASE);
		return;
	}
	d->links[i]->held = d->members[i].held = true;
	if (circuit->open)
		return;
	circuit->open = true;
	circuit->cause = death->cause;
	circuit->code = death->code;
	circuit->since_ms = clock_ms();
	circuit->canary = d->roster.n; /* whoever isn't held: see later */
	daemon_sooner(&d->circuits_ms, circuit->since_ms + JUDGE_AFTER_MS);
}

void
circuits_let_try(struct daemon *d, size_t i)
{
	if (d->links[i]->held)
		hold(d, i, false);
}

void
circuits_judge(struct daemon *d, int64_t now_ms)
{
	d->circuits_ms = 0;
	for (size_t i = 0; i < d->ncircuits; i++) {
		struct fleet_circuit *circuit = &d->circuits[i];
		bool was_open = circuit->open;

		if (fleet_judge(circuit, d->members, d->roster.n, now_ms) &&
		    circuit->open != was_open)
			tell(d, circuit);
		if (circuit->open || was_open)
			apply(d, circuit);
	}
}
