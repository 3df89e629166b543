#include <errno.h>
#include <string.h>

#include "agents/monitor/examine.h"
#include "base/texts.h"
#include "git/history.h"
#include "store/regressions.h"

#define SHORT_HASH 12

/* Whether the commit on which it passed last is known, and one of this branch:
 * 1, 0, -1. */
static int
has_good(struct branch *b, const struct passing_test *test)
{
	return test->commit[0] == '\0'
	    ? 0
	    : repository_contains(
		  &b->git, b->config->integration_branch, test->commit);
}

/* Lists the commits behind the good one. Returns 0 or -1. */
static int
list_commits(struct examination *e, struct branch *b)
{
	const char *good = e->test->commit;

	e->commits = history_between(&b->git, good, e->tip);
	if (e->commits == NULL)
		return -1;
	if (e->commits[0] != NULL || strcmp(good, e->tip) == 0)
		return 0;
	/* It has passed on what was merged since: this tip isn't to hold it. */
	errno = ECANCELED;
	return -1;
}

int
examine_begin(struct examination *e, struct branch *b,
    const struct passing_test *test, const char *tip)
{
	int is_known = has_good(b, test);

	*e = (struct examination){ .test = test, .tip = tip };
	if (is_known < 0 || (is_known > 0 && list_commits(e, b) < 0)) {
		int saved = errno;

		examine_end(e);
		errno = saved;
		return -1;
	}
	if (bisect_begin(&e->bisect, is_known > 0, texts_count(e->commits),
		test->runs, test->flakes) < 0) {
		examine_end(e);
		errno = ENOMEM;
		return -1;
	}
	e->branch = b;
	return 0;
}

void
examine_end(struct examination *e)
{
	texts_free(e->commits);
	bisect_free(&e->bisect);
	*e = (struct examination){ 0 };
}

static const char *
commit_at(const struct examination *e, size_t at)
{
	if (at > 0)
		return e->commits[at - 1];
	return e->bisect.has_good ? e->test->commit : e->tip;
}

const char *
examine_next(struct examination *e)
{
	e->step = bisect_next(&e->bisect, &e->at);
	return e->step == BISECT_RUN ? commit_at(e, e->at) : NULL;
}

void
examine_note(struct examination *e, enum probe_state state)
{
	bisect_note(&e->bisect, e->at,
	    state == PROBE_PASSED	? BISECT_PASSED
		: state == PROBE_FAILED ? BISECT_FAILED
					: BISECT_SKIPPED);
}

/* What is known now of how often it fails by chance. */
static void
tell_runs(const struct examination *e, struct agent *a)
{
	bool is_flaky = e->step == BISECT_FLAKY;
	struct passing_run run = { .test_id = e->test->id,
		.commit = is_flaky ? e->tip : "",
		.passed_on = e->test->commit };

	bisect_count(&e->bisect, e->step, e->at, &run.runs, &run.flakes);
	if (is_flaky)
		log_line(&a->log, "%s fails by chance: in %lld of %lld runs",
		    run.test_id, (long long)run.flakes, (long long)run.runs);
	if (run.runs > 0 && passing_note(&a->store, a->name, &run) < 0)
		agent_failed(a, "noting how often a test fails by chance");
}

/* While the commit's own texts live. */
struct telling {
	const struct examination *e;
	struct agent *agent;
	struct regression regression;
	int told; /* as regressions_open() */
};

static void
tell(struct telling *t)
{
	const struct regression *r = &t->regression;
	struct agent *a = t->agent;

	t->told = regressions_open(&a->store, a->name, r);
	if (t->told < 0)
		agent_failed(a, "noting a regression");
	if (t->told <= 0)
		return;
	log_line(&a->log, "%s fails %s %.*s (%s%s%s): %s", r->test_id,
	    r->is_outside		  ? "also where it passed,"
		: r->first_bad[0] != '\0' ? "since"
					  : "on",
	    SHORT_HASH,
	    r->is_outside		  ? r->last_good
		: r->first_bad[0] != '\0' ? r->first_bad
					  : r->commit,
	    r->blamed_test[0] != '\0'  ? r->blamed_test
		: r->author[0] != '\0' ? r->author
				       : "nobody to blame",
	    r->blamed_loop[0] != '\0' ? " of " : "", r->blamed_loop,
	    r->transcript);
}

static void
blame(const struct history_commit *c, void *argument)
{
	struct telling *t = argument;
	struct regression *r = &t->regression;

	r->blamed_loop = c->loop;
	r->blamed_test = c->test;
	r->blamed_attempt = c->attempt;
	r->author = c->author;
	r->subject = c->subject;
	r->is_revert = c->reverts[0] != '\0';
	tell(t);
}

static void
fill(struct regression *r, const struct examination *e)
{
	const struct bisect *b = &e->bisect;
	size_t good;

	*r = (struct regression){ .test_id = e->test->id,
		.loop_id = e->test->loop_id,
		.commit = e->tip,
		.last_good = e->test->commit,
		.passed_on = e->test->commit,
		.first_bad = "",
		.blamed_loop = "",
		.blamed_test = "",
		.blamed_attempt = "",
		.author = "",
		.subject = "",
		.is_outside = e->step == BISECT_OUTSIDE,
		.enough = b->enough };
	if (e->step != BISECT_FOUND || !b->has_good)
		return;
	good = bisect_good(b, e->at);
	r->last_good = commit_at(e, good);
	r->first_bad = commit_at(e, e->at);
	r->ncommits = (int64_t)(e->at - good);
}

bool
examine_tell(const struct examination *e, struct agent *a,
    const char *transcript, const char *output)
{
	struct telling t = { .e = e, .agent = a };
	struct git *g = &e->branch->git;

	if (agent_database(a) < 0)
		return false;
	tell_runs(e, a);
	if (e->step == BISECT_FLAKY || agent_database(a) < 0)
		return false;
	fill(&t.regression, e);
	t.regression.transcript = transcript;
	t.regression.output = output;
	if (t.regression.first_bad[0] == '\0')
		tell(&t);
	else if (history_read(g, t.regression.first_bad, blame, &t) < 0)
		log_line(&a->log, "%s", g->error);
	return t.told > 0;
}
