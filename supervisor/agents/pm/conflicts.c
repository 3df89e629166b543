#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/common/findings.h"
#include "agents/pm/conflicts.h"
#include "base/buf.h"
#include "git/repository.h"
#include "git/snapshot.h"
#include "store/conflicts.h"

/* While git is waited for. */
static bool
go_on(void *argument)
{
	agent_beat(argument);
	return true;
}

/*
 * Whether what the second one did goes on top of what there is now: 1; 0 with
 * the files that conflict; -1 where git can't tell, with g->error. Without any
 * work of it there is nothing that wouldn't.
 */
static int
applies(struct git *g, const struct conflict *c, char *conflicts, size_t size)
{
	char tip[GIT_HASH_SIZE], work[GIT_HASH_SIZE], moved[GIT_HASH_SIZE];
	char ref[GIT_REF_SIZE];
	int found;

	if (c->repository[0] == '\0' || c->snapshot_ref[0] == '\0')
		return 1;
	if (git_open(g, c->repository) < 0)
		return -1;
	(void)snprintf(ref, sizeof(ref), "refs/heads/%s", c->branch);
	found = repository_commit(g, c->snapshot_ref, work);
	if (found == 1)
		found = repository_commit(g, ref, tip);
	if (found <= 0)
		return found < 0 ? -1 : 1;
	return snapshot_move(
	    g, work, c->base_commit, tip, moved, conflicts, size);
}

/* One look at all of them. */
struct look {
	struct conflicts_work *work;
	bool rests; /* git isn't asked this time */
	struct findings findings;
};

/* Git can't tell: the test waits on, and that is told until it can. The other
 * conflicts are settled all the same. */
static int
put_off(struct look *l, const struct conflict *c, const char *error)
{
	struct finding *f = findings_add(&l->findings);
	struct buf b;

	log_line(&l->work->agent->log, "%s: %s", c->id, error);
	if (f == NULL) {
		errno = ENOMEM;
		return -1;
	}
	f->type = "conflict_unsettled";
	(void)snprintf(f->cause, sizeof(f->cause), "conflict:%s", c->id);
	(void)snprintf(f->loop_id, sizeof(f->loop_id), "%s", c->second.loop_id);
	(void)snprintf(f->test_id, sizeof(f->test_id), "%s", c->second.test_id);
	buf_init(&b, f->message, sizeof(f->message));
	buf_addf(
	    &b, "%s: %s waits ('loopkeeper reset ", c->id, c->second.test_id);
	buf_add_word(&b, c->second.test_id);
	buf_addf(&b,
	    "' has it begun afresh): whether %s's work goes on top of %s can't "
	    "be told: %s",
	    c->second.loop_id, c->branch, error);
	return 0;
}

/* The first one has ended, and nothing of the second one runs any more. */
static int
settle(struct look *l, const struct conflict *c)
{
	struct agent *a = l->work->agent;
	struct git g = { .tick = go_on, .argument = a };
	char outcome[256], conflicts[CONFLICT_FILES_SIZE];
	int clean;

	if (l->rests)
		return 0;
	(void)snprintf(g.author, sizeof(g.author), "%s", a->name);
	clean = applies(&g, c, conflicts, sizeof(conflicts));
	if (clean < 0)
		return put_off(l, c, g.error);
	if (clean == 0)
		return conflicts_ask(&a->store, c, conflicts,
		    a->conf->pm.decision_timeout_ms, l->work->boot_id, a->name);
	(void)snprintf(outcome, sizeof(outcome), "%s goes on after %s",
	    c->second.loop_id, c->first.loop_id);
	return conflicts_resume(&a->store, c, outcome, a->name);
}

static bool
is(const struct conflict *c, const char *status)
{
	return strcmp(c->status, status) == 0;
}

/* 1 a step was taken, 0, -1. */
static int
step(struct look *l, const struct conflict *c)
{
	struct agent *a = l->work->agent;
	bool is_ours = c->second.attempt_id[0] != '\0';

	if (is(c, "open"))
		return conflicts_pause(&a->store, c, a->name);
	/* Skipped, reset, or moved out of the way otherwise. */
	if ((is(c, "paused") && is_ours && !c->waits) ||
	    (is(c, "deciding") && !c->asked))
		return conflicts_close(
		    &a->store, c, "its test doesn't wait any more", a->name);
	if (is(c, "paused") && c->first_ended && (!is_ours || c->let_go))
		return settle(l, c);
	return 0;
}

/* Returns how many steps were taken, or -1. */
static int
look(struct look *l)
{
	struct agent *a = l->work->agent;
	struct conflict c = { 0 };
	int found, done, steps = 0;

	while ((found = conflicts_next(&a->store, c.id, &c)) == 1) {
		done = step(l, &c);
		if (done < 0)
			return -1;
		if (done > 0)
			log_line(&a->log, "%s (%s, %s): was %s", c.id,
			    c.first.loop_id, c.second.loop_id, c.status);
		steps += done;
	}
	if (found < 0 ||
	    (!l->rests &&
		findings_publish(&l->findings, &a->store, a->name) < 0))
		return -1;
	return steps;
}

int
conflicts_look(struct conflicts_work *w, int64_t now_ms)
{
	struct look l = { .work = w,
		.rests = now_ms < w->rest_ms,
		.findings = { .prefix = "conflict:" } };
	int steps = look(&l);

	if (l.findings.n > 0)
		w->rest_ms = now_ms + w->agent->conf->pm.every_ms;
	findings_finish(&l.findings);
	return steps;
}
