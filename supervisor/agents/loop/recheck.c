#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agents/common/transcript.h"
#include "agents/loop/close.h"
#include "agents/loop/evidence.h"
#include "agents/loop/integrate.h"
#include "agents/loop/recheck.h"
#include "agents/loop/verify.h"
#include "base/buf.h"
#include "git/history.h"

#define AGAIN_MS 1000 /* until it is asked again what is to be run */

static void
add_test(const struct history_commit *commit, void *argument)
{
	json_t *tests = argument;

	(void)json_array_append_new(tests, json_string(commit->test));
}

/* The tests that were merged below the candidate while its worker didn't look,
 * as a JSON array: nobody has seen both together. To be freed. */
static char *
list_merged(struct runner *r)
{
	json_t *tests = json_array();
	char *text;

	/* A branch that somebody rewrote may have lost what came before; others
	 * are run all the same. */
	if (strcmp(r->seen, r->onto) != 0 &&
	    history_each(&r->place.git, r->onto, r->seen, "", add_test, tests) <
		0)
		log_line(&r->agent.log, "%s", r->place.git.error);
	text = json_dumps(tests, JSON_COMPACT);
	json_decref(tests);
	return text;
}

static const struct passing_test *
current(const struct runner *r)
{
	return &r->rechecks.tests[r->nrechecked];
}

void
recheck_run(struct runner *r, int64_t now_ms)
{
	char what[ATTEMPT_TEST_SIZE + 64];

	(void)snprintf(what, sizeof(what), "%s %s",
	    r->recheck_step == RECHECK_BASE ? "without it"
					    : "does it still pass",
	    current(r)->id);
	(void)verify_run(r, PHASE_RECHECK, current(r)->verify, what, now_ms);
}

/* In a clean checkout. */
static void
run(struct runner *r, enum recheck_step step, int64_t now_ms)
{
	r->recheck_times = step == r->recheck_step ? r->recheck_times + 1 : 1;
	r->recheck_step = step;
	verify_begin(r, PHASE_RECHECK,
	    step == RECHECK_BASE ? r->onto : r->candidate, now_ms);
}

static void
finish(struct runner *r, int64_t now_ms)
{
	/* Only when they were verified is lost if this can't be written. */
	if (agent_database(&r->agent) == 0 &&
	    passing_verified(&r->agent.store, &r->rechecks) < 0)
		agent_failed(&r->agent, "noting what passes");
	passing_free(&r->rechecks);
	r->is_rechecked = true;
	integrate_begin(r, now_ms);
}

/* Which they are is asked again before it is merged. */
static void
put_off(struct runner *r, int64_t now_ms)
{
	agent_failed(&r->agent, "looking for passing tests");
	r->not_before_ms = now_ms + AGAIN_MS;
	integrate_begin(r, now_ms);
}

void
recheck_begin(struct runner *r, int64_t now_ms)
{
	struct passing_request request = { .except_id = r->claim.key.test_id,
		.changed = r->changed_json != NULL ? r->changed_json : "[]",
		.max = r->config->recheck };
	char *loops = NULL, *merged = NULL;
	int picked = 0;

	passing_free(&r->rechecks);
	r->nrechecked = 0;
	if (request.max > 0 && agent_database(&r->agent) < 0) {
		integrate_begin(r, now_ms);
		return;
	}
	if (request.max > 0) {
		request.loops = loops = runner_list_loops(r);
		request.merged = merged = list_merged(r);
		if (loops == NULL || merged == NULL ||
		    passing_pick(&r->agent.store, &request, &r->rechecks) < 0)
			picked = -1;
		else
			(void)snprintf(r->seen, sizeof(r->seen), "%s", r->onto);
	}
	free(loops);
	free(merged);
	r->recheck_step = RECHECK_CANDIDATE;
	if (picked < 0)
		put_off(r, now_ms);
	else if (r->rechecks.n == 0)
		finish(r, now_ms);
	else if (r->claim.verify[0] == '\0')
		run(r, RECHECK_CANDIDATE, now_ms);
	else
		recheck_run(r, now_ms);
}

static void
close_broken(struct runner *r, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE], how[200];
	struct buf b;

	verify_describe(r, how, sizeof(how));
	buf_init(&b, detail, sizeof(detail));
	buf_addf(&b, "it breaks %s, which passed without it: %s",
	    current(r)->id, how);
	evidence_keep(r, detail);
	(void)snprintf(r->broken, sizeof(r->broken), "%s", current(r)->id);
	/* Also when the work is an earlier attempt's, which was broken off and
	 * used up none. */
	close_begin(r, OUTCOME_FAILED, false, detail, now_ms);
}

void
recheck_next(struct runner *r, int64_t now_ms)
{
	bool passed = verify_passed(r), is_away;
	bool is_last = r->recheck_times == RECHECK_TIMES;

	switch (r->recheck_step) {
	case RECHECK_CANDIDATE:
		if (!passed) {
			run(r, RECHECK_BASE, now_ms);
			return;
		}
		break;
	case RECHECK_BASE:
		if (passed) {
			run(r, is_last ? RECHECK_AGAIN : RECHECK_BASE, now_ms);
			return;
		}
		transcript_note(r->transcript_fd, "%s fails without it, too",
		    current(r)->id);
		break;
	case RECHECK_AGAIN:
		if (!passed) {
			if (is_last)
				close_broken(r, now_ms);
			else
				run(r, RECHECK_AGAIN, now_ms);
			return;
		}
		transcript_note(
		    r->transcript_fd, "%s fails by chance", current(r)->id);
		break;
	}
	r->rechecks.tests[r->nrechecked].passes = passed;
	is_away = r->recheck_step == RECHECK_BASE;
	r->recheck_step = RECHECK_CANDIDATE;
	if (++r->nrechecked == r->rechecks.n)
		finish(r, now_ms);
	else if (is_away)
		run(r, RECHECK_CANDIDATE, now_ms);
	else
		recheck_run(r, now_ms);
}
