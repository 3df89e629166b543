/*
 * loopkeeper-pm [-c FILE] [NAME]: asks a human where one must choose, does
 * what the answer says, and takes the default when none comes in time. All it
 * knows is in the database; it may die at any moment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/common/agent.h"
#include "base/clock.h"
#include "store/claims.h"
#include "store/decisions.h"
#include "system/process.h"

#define TICK_MS 1000 /* an answer is seen within it */

/* A decision that was asked in another boot, or by a program that doesn't
 * tell when on our clock: its time begins when we first see it. */
struct seen {
	char id[DECISION_ID_SIZE];
	int64_t at_ms;
	bool pending; /* in the list at hand */
};

struct list {
	struct decision *decisions;
	size_t n;
	size_t room;
};

struct pm {
	struct agent agent;
	char boot_id[PROCESS_BOOT_ID_SIZE];
	struct seen *seen;
	size_t nseen;
	struct list pending;
	struct list answered;
	int64_t version;   /* of the database at the last look */
	int64_t looked_ms; /* 0: look now */
};

static void
keep(const struct decision *decision, void *argument)
{
	struct list *list = argument;

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

/* Returns 0, or -1 with errno of store.h. */
static int
fetch(struct pm *pm, struct list *list, bool pending)
{
	list->n = 0;
	return decisions_each(&pm->agent.store, pending, keep, list) < 0 ? -1
									 : 0;
}

static struct seen *
find_seen(struct pm *pm, const char *id)
{
	for (size_t i = 0; i < pm->nseen; i++)
		if (strcmp(pm->seen[i].id, id) == 0)
			return &pm->seen[i];
	return NULL;
}

/* When its time began, on clock_ms(). */
static int64_t
asked_ms(struct pm *pm, const struct decision *d, int64_t now_ms)
{
	struct seen *seen = find_seen(pm, d->id), *grown;

	if (strcmp(d->boot_id, pm->boot_id) == 0 && d->asked_ms <= now_ms)
		return d->asked_ms;
	if (seen != NULL) {
		seen->pending = true;
		return seen->at_ms;
	}
	grown = reallocarray(pm->seen, pm->nseen + 1, sizeof(*pm->seen));
	if (grown == NULL)
		return now_ms;
	pm->seen = grown;
	grown[pm->nseen] = (struct seen){ .at_ms = now_ms, .pending = true };
	(void)snprintf(grown[pm->nseen].id, sizeof(grown->id), "%s", d->id);
	pm->nseen++;
	return now_ms;
}

static void
forget_settled(struct pm *pm)
{
	size_t kept = 0;

	for (size_t i = 0; i < pm->nseen; i++) {
		if (pm->seen[i].pending)
			pm->seen[kept++] = pm->seen[i];
	}
	pm->nseen = kept;
	for (size_t i = 0; i < kept; i++)
		pm->seen[i].pending = false;
}

/* Takes the default of each whose time is over. Returns 0 or -1. */
static int
expire(struct pm *pm, int64_t now_ms)
{
	struct agent *a = &pm->agent;

	for (size_t i = 0; i < pm->pending.n; i++) {
		const struct decision *d = &pm->pending.decisions[i];
		int expired;

		if (now_ms - asked_ms(pm, d, now_ms) < d->timeout_ms)
			continue;
		expired = decisions_expire(&a->store, d->id, a->name);
		if (expired < 0)
			return -1;
		if (expired > 0)
			log_line(&a->log,
			    "%s: nobody answered; the default is taken: %s",
			    d->id, d->default_option);
		pm->looked_ms = 0; /* what it says is to be done */
	}
	forget_settled(pm);
	return 0;
}

static int
apply(struct pm *pm)
{
	struct agent *a = &pm->agent;

	for (size_t i = 0; i < pm->answered.n; i++) {
		const struct decision *d = &pm->answered.decisions[i];
		int done = decisions_apply(&a->store, d, a->name);

		if (done < 0)
			return -1;
		if (done > 0)
			log_line(&a->log, "%s: %s is %s", d->id, d->test_id,
			    strcmp(d->choice, DECISION_SKIP) == 0
				? "skipped"
				: "tried again");
	}
	return 0;
}

/* Everything that may have changed in the database. Returns 0 or -1. */
static int
look(struct pm *pm)
{
	struct agent *a = &pm->agent;
	int opened = decisions_open_blocked(
	    &a->store, a->name, a->conf->pm.decision_timeout_ms, pm->boot_id);

	if (opened < 0 || fetch(pm, &pm->answered, false) < 0 ||
	    apply(pm) < 0 || fetch(pm, &pm->pending, true) < 0)
		return -1;
	if (opened > 0)
		log_line(&a->log,
		    "%d decision%s needed: see `loopkeeper "
		    "decisions`",
		    opened, opened > 1 ? "s" : "");
	agent_status(a, "%zu decisions pending", pm->pending.n);
	return 0;
}

static void
step(struct pm *pm, int64_t now_ms)
{
	struct agent *a = &pm->agent;
	int64_t version;

	if (agent_database(a) < 0)
		return;
	if (claims_version(&a->store, &version) < 0) {
		agent_failed(a, "looking for decisions");
		return;
	}
	if (pm->looked_ms == 0 || version != pm->version ||
	    now_ms - pm->looked_ms >= a->conf->pm.every_ms) {
		pm->version = version;
		pm->looked_ms = now_ms;
		if (look(pm) < 0) {
			agent_failed(a, "looking at decisions");
			pm->looked_ms = 0;
			return;
		}
	}
	if (expire(pm, now_ms) < 0)
		agent_failed(a, "taking a default");
}

static int
run(struct pm *pm)
{
	struct agent *a = &pm->agent;

	agent_ready(a);
	while (!a->stopping) {
		int64_t now_ms = clock_ms();

		(void)agent_look(a);
		step(pm, now_ms);
		if (agent_wait(a, now_ms + TICK_MS) < 0)
			return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static struct pm pm;
	int code = agent_begin(&pm.agent, argc, argv, "pm");

	if (code == 0) {
		(void)process_boot_id(pm.boot_id);
		code = run(&pm);
	}
	free(pm.seen);
	free(pm.pending.decisions);
	free(pm.answered.decisions);
	agent_finish(&pm.agent);
	return code;
}
