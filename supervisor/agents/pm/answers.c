#include <stdlib.h>
#include <string.h>

#include "agents/pm/answers.h"
#include "store/conflicts.h"
#include "store/decisions_blocked.h"
#include "store/decisions_failing.h"
#include "store/decisions_regression.h"

/* What the answers of each kind do. Those of other programs are theirs. */
static const struct {
	const char *type;
	decisions_effect *effect;
} effects[] = {
	{ DECISION_BLOCKED, blocked_apply },
	{ CONFLICT_DECISION, conflicts_apply },
	{ DECISION_REGRESSION, regressed_apply },
	{ DECISION_FAILING, failing_apply },
};
#define NEFFECTS (sizeof(effects) / sizeof(effects[0]))

static void
keep(const struct decision *decision, void *argument)
{
	struct answers_list *list = argument;

	if (list->n == list->room) {
		size_t room = list->room > 0 ? 2 * list->room : 16;
		struct decision *grown = reallocarray(
		    list->decisions, room, sizeof(*list->decisions));

		/* What there is no memory for waits for the next look. */
		if (grown == NULL)
			return;
		list->decisions = grown;
		list->room = room;
	}
	list->decisions[list->n++] = *decision;
}

static bool
is_of_boot(
    const struct answers *w, const char *boot_id, int64_t ms, int64_t now_ms)
{
	return ms > 0 && ms <= now_ms && strcmp(boot_id, w->boot_id) == 0;
}

/*
 * One that was asked in another boot, or by a program that doesn't tell when on
 * our clock: its time begins when a PM first sees it in this boot.
 */
static int
date(const struct answers *w, struct decision *d, int64_t now_ms)
{
	if (is_of_boot(w, d->boot_id, d->asked_ms, now_ms))
		return 0;
	if (is_of_boot(w, d->seen_boot, d->seen_ms, now_ms)) {
		d->asked_ms = d->seen_ms;
		return 0;
	}
	d->asked_ms = now_ms;
	return decisions_note_seen(&w->agent->store, d->id, w->boot_id, now_ms);
}

static int
fetch_pending(struct answers *w, int64_t now_ms)
{
	struct answers_list old = w->pending;

	w->spare.n = 0;
	if (decisions_pending(&w->agent->store, keep, &w->spare) < 0)
		return -1;
	for (size_t i = 0; i < w->spare.n; i++)
		if (date(w, &w->spare.decisions[i], now_ms) < 0)
			return -1;
	w->pending = w->spare;
	w->spare = old;
	return 0;
}

static decisions_effect *
effect_of(const struct decision *d)
{
	/* Whoever asked knows what it meant, whatever it called it. */
	if (d->asked_ms == 0)
		return NULL;
	for (size_t i = 0; i < NEFFECTS; i++)
		if (strcmp(effects[i].type, d->type) == 0)
			return effects[i].effect;
	return NULL;
}

/* What must happen elsewhere before it can be said to be done. 1 nothing, or it
 * has; 0 not yet; -1. */
static int
prepare(struct answers *w, const struct decision *d, int64_t now_ms)
{
	struct store *s = &w->agent->store;
	struct regressed_commit commit;
	int found = regressed_rollback(s, d, &commit);
	const char *error = w->reverting->error;

	if (found <= 0)
		return found < 0 ? -1 : 1;
	if (!reverting_look(w->reverting, d, &commit, now_ms))
		return strcmp(w->reverting->decision_id, d->id) == 0 &&
			error[0] != '\0'
		    ? regressed_postpone(s, d, w->agent->name, error)
		    : 0;
	return regressed_note(s, d, error[0] != '\0' ? error : NULL) < 0 ? -1
									 : 1;
}

/* A rollback that has ended is noted first; one that must wait lets others
 * try. */
static size_t
first_due(const struct answers *w)
{
	const struct reverting *r = w->reverting;
	size_t i = 0;

	for (; i < w->due.n; i++) {
		int order = strcmp(w->due.decisions[i].id, r->decision_id);

		if (order > 0 || (order == 0 && r->is_over))
			break;
	}
	return i;
}

static int
apply(struct answers *w, int64_t now_ms)
{
	struct agent *a = w->agent;
	size_t first;

	w->due.n = 0;
	if (decisions_due(&a->store, keep, &w->due) < 0)
		return -1;
	first = first_due(w);
	for (size_t i = 0; i < w->due.n; i++) {
		const struct decision *d =
		    &w->due.decisions[(first + i) % w->due.n];
		int done = prepare(w, d, now_ms);

		if (done > 0)
			done = decisions_apply(
			    &a->store, d, effect_of(d), a->name);
		if (done < 0)
			return -1;
		if (done > 0)
			log_line(&a->log, "%s: done as decided: %s", d->id,
			    d->choice);
	}
	return 0;
}

int
answers_look(struct answers *w, int64_t now_ms)
{
	return apply(w, now_ms) < 0 ? -1 : fetch_pending(w, now_ms);
}

int
answers_expire(struct answers *w, int64_t now_ms, int64_t *ret_left_ms)
{
	struct agent *a = w->agent;
	int taken = 0;

	for (size_t i = 0; i < w->pending.n; i++) {
		const struct decision *d = &w->pending.decisions[i];
		int64_t left_ms = d->timeout_ms - (now_ms - d->asked_ms);
		int expired;

		if (d->timeout_ms < 0)
			continue;
		if (left_ms > 0) {
			if (left_ms < *ret_left_ms)
				*ret_left_ms = left_ms;
			continue;
		}
		expired = decisions_expire(&a->store, d->id, a->name);
		if (expired < 0)
			return -1;
		if (expired == 0) /* somebody was faster */
			continue;
		log_line(&a->log,
		    "%s: nobody answered; the default is taken: %s", d->id,
		    d->default_option);
		taken++;
	}
	return taken;
}

void
answers_free(struct answers *w)
{
	free(w->pending.decisions);
	free(w->spare.decisions);
	free(w->due.decisions);
}
