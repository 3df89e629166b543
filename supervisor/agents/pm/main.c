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

struct list {
	struct decision *decisions;
	size_t n;
	size_t room;
};

struct pm {
	struct agent agent;
	char boot_id[PROCESS_BOOT_ID_SIZE];
	struct list pending; /* asked_ms is on our clock */
	struct list spare;
	struct list answered;
	int64_t version;   /* of the database at the last look */
	int64_t looked_ms; /* 0: look now */
	int64_t left_ms; /* until a default is to be taken or we look anyway */
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

/*
 * One that was asked in another boot, or by a program that doesn't tell when on
 * our clock: its time begins when we first see it.
 */
static void
date(const struct pm *pm, struct decision *d, int64_t now_ms)
{
	if (strcmp(d->boot_id, pm->boot_id) == 0 && d->asked_ms <= now_ms)
		return;
	d->asked_ms = now_ms;
	for (size_t i = 0; i < pm->pending.n; i++)
		if (strcmp(pm->pending.decisions[i].id, d->id) == 0)
			d->asked_ms = pm->pending.decisions[i].asked_ms;
}

static int
fetch_pending(struct pm *pm, int64_t now_ms)
{
	struct list old = pm->pending;

	if (fetch(pm, &pm->spare, true) < 0)
		return -1;
	for (size_t i = 0; i < pm->spare.n; i++)
		date(pm, &pm->spare.decisions[i], now_ms);
	pm->pending = pm->spare;
	pm->spare = old;
	return 0;
}

/* Takes the default of each whose time is over. Returns 0 or -1. */
static int
expire(struct pm *pm, int64_t now_ms)
{
	struct agent *a = &pm->agent;

	pm->left_ms = a->conf->pm.every_ms;
	for (size_t i = 0; i < pm->pending.n; i++) {
		const struct decision *d = &pm->pending.decisions[i];
		int64_t left_ms = d->timeout_ms - (now_ms - d->asked_ms);
		int expired;

		if (left_ms > 0) {
			if (left_ms < pm->left_ms)
				pm->left_ms = left_ms;
			continue;
		}
		expired = decisions_expire(&a->store, d->id, a->name);
		if (expired < 0)
			return -1;
		if (expired > 0)
			log_line(&a->log,
			    "%s: nobody answered; the default is taken: %s",
			    d->id, d->default_option);
		pm->looked_ms = 0; /* what it says is to be done */
	}
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
look(struct pm *pm, int64_t now_ms)
{
	struct agent *a = &pm->agent;
	int opened = decisions_open_blocked(
	    &a->store, a->name, a->conf->pm.decision_timeout_ms, pm->boot_id);

	if (opened < 0 || fetch(pm, &pm->answered, false) < 0 ||
	    apply(pm) < 0 || fetch_pending(pm, now_ms) < 0)
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
		if (look(pm, now_ms) < 0) {
			agent_failed(a, "looking at decisions");
			pm->looked_ms = 0;
			return;
		}
	}
	if (expire(pm, now_ms) < 0)
		agent_failed(a, "taking a default");
}

/* Unless there is news before. */
static int64_t
next_ms(const struct pm *pm, int64_t now_ms)
{
	const struct agent *a = &pm->agent;

	if (a->mode == MODE_FILE_BASED)
		return 0;
	if (a->retry_ms > now_ms)
		return a->retry_ms;
	return pm->looked_ms == 0 ? now_ms : now_ms + pm->left_ms;
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
		if (agent_wait(a, next_ms(pm, now_ms), true) < 0)
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
	free(pm.pending.decisions);
	free(pm.spare.decisions);
	free(pm.answered.decisions);
	agent_finish(&pm.agent);
	return code;
}
