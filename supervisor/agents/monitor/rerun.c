#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "agents/common/tail.h"
#include "agents/common/transcript.h"
#include "agents/monitor/rerun.h"
#include "base/io.h"
#include "store/regressions.h"

#define TICK_MS	 1000
#define HURRY_MS 100 /* while a tree is being ended */

void
rerun_init(struct rerun *r, struct agent *a, const char *directory)
{
	*r = (struct rerun){ .agent = a,
		.directory = directory,
		.probe = { .conf = a->conf, .output_fd = -1 } };
}

static void
end(struct rerun *r, enum rerun_state state)
{
	r->state = state;
	r->held = NULL;
	examine_end(&r->examination);
	io_close(&r->probe.output_fd);
	passing_free(&r->tests);
}

void
rerun_finish(struct rerun *r)
{
	end(r, RERUN_OVER);
}

/* It can't go on for now; why is NULL where nobody needs to know. */
static void
give_up(struct rerun *r, const char *why)
{
	(void)strlcpy(r->why, why != NULL ? why : "", sizeof(r->why));
	end(r, RERUN_GIVEN_UP);
	if (why == NULL)
		(void)unlink(r->transcript);
}

static void
run(struct rerun *r, const char *commit, int64_t now_ms)
{
	r->held = NULL;
	if (probe_start(&r->probe, commit) == 0)
		return;
	/* Another process works on the repository's worktrees. */
	if (errno == EAGAIN) {
		r->held = commit;
		r->held_ms = now_ms + TICK_MS;
		return;
	}
	give_up(r, errno == ECANCELED ? NULL : r->probe.error);
}

static const struct passing_test *
current(const struct rerun *r)
{
	return &r->tests.tests[r->n];
}

/* An open regression is at hand. */
static bool
is_known(const struct rerun *r)
{
	return r->n >= r->tests.nplain;
}

static void
begin_test(struct rerun *r, int64_t now_ms)
{
	char directory[PATH_SIZE], suffix[13];

	/* What is known to fail has the transcript of when it was found. */
	(void)snprintf(suffix, sizeof(suffix), "%.12s",
	    is_known(r) ? "again" : r->branch->tip);
	r->probe.test = current(r);
	r->passes = 0;
	r->newer[0] = '\0';
	if (path_format(directory, "%s/logs", r->directory) == 0)
		r->probe.output_fd = transcript_open(
		    directory, current(r)->id, suffix, r->transcript);
	if (r->probe.output_fd < 0)
		give_up(r, strerror(errno));
	else
		run(r, r->branch->tip, now_ms);
}

/* Goes to the next one. When the time is over, one that is known to fail has
 * its turn all the same: else it might never be seen to pass. */
static bool
go_to_next(struct rerun *r, int64_t now_ms)
{
	const struct regressions_config *c = &r->agent->conf->regressions;
	bool was_known = is_known(r);

	r->n++;
	if (now_ms - r->begun_ms >= c->time_limit_ms)
		r->n = was_known ? r->tests.n : r->tests.nplain;
	return r->n < r->tests.n;
}

/* Only the transcript of a regression is of use. */
static void
end_test(struct rerun *r, bool keep, int64_t now_ms)
{
	io_close(&r->probe.output_fd);
	if (!keep)
		(void)unlink(r->transcript);
	if (go_to_next(r, now_ms)) {
		begin_test(r, now_ms);
		return;
	}
	end(r, RERUN_OVER);
}

static void
note_passed(struct rerun *r)
{
	struct agent *a = r->agent;

	/* Only when it was verified is lost if this can't be written. */
	if (agent_database(a) == 0 &&
	    passing_note(&a->store, a->name,
		&(struct passing_run){ .test_id = current(r)->id,
		    .commit = r->branch->tip,
		    .passed_on = current(r)->commit,
		    .runs = 1 }) < 0)
		agent_failed(a, "noting what passes");
}

/* Returns whether the transcript is of use. */
static bool
tell(struct rerun *r)
{
	off_t from = (off_t)r->probe.job.vitals.output_begin;
	char *output =
	    tail_read(r->probe.output_fd, from, REGRESSIONS_OUTPUT_MAX);
	bool told = examine_tell(&r->examination, r->agent, r->transcript,
	    output != NULL ? output : "");

	free(output);
	return told;
}

/* What always fails may have been mended while it was looked at: then nobody is
 * to undo what broke it. */
static bool
is_out_of_date(struct rerun *r)
{
	const struct examination *e = &r->examination;
	struct branch *b = r->branch;
	char tip[GIT_HASH_SIZE];

	if (e->step != BISECT_FOUND || e->bisect.enough > 0 ||
	    branch_tip(b, tip) <= 0 || strcmp(tip, b->tip) == 0)
		return false;
	(void)strlcpy(r->newer, tip, sizeof(r->newer));
	return true;
}

static void
end_examination(struct rerun *r, bool is_over, int64_t now_ms)
{
	bool told = !is_over && tell(r);

	examine_end(&r->examination);
	end_test(r, told, now_ms);
}

/* Runs it where that tells most, until enough is known. */
static void
examine(struct rerun *r, int64_t now_ms)
{
	const char *commit = examine_next(&r->examination);

	if (commit != NULL)
		run(r, commit, now_ms);
	else if (is_out_of_date(r))
		run(r, r->newer, now_ms);
	else
		end_examination(r, false, now_ms);
}

/* Of a loop that is gone, and it never passed on this branch. */
static bool
is_strange(const struct rerun *r)
{
	return !r->examination.bisect.has_good &&
	    conf_loop(r->agent->conf, current(r)->loop_id) == NULL;
}

/* It fails on the tip. */
static void
look_closer(struct rerun *r, int64_t now_ms)
{
	struct agent *a = r->agent;
	struct branch *b = r->branch;

	if (is_known(r)) {
		if (agent_database(a) == 0 &&
		    regressions_confirm(&a->store, current(r)->id) < 0)
			agent_failed(a, "noting a regression");
		end_test(r, false, now_ms);
	} else if (examine_begin(&r->examination, b, current(r), b->tip) < 0) {
		give_up(r,
		    errno == ECANCELED	  ? NULL
			: errno == ENOMEM ? strerror(errno)
					  : b->git.error);
	} else if (is_strange(r)) {
		examine_end(&r->examination);
		end_test(r, false, now_ms);
	} else {
		examine(r, now_ms);
	}
}

static void
judge(struct rerun *r, enum probe_state state, int64_t now_ms)
{
	struct examination *e = &r->examination;
	bool is_on_tip = strcmp(r->probe.commit, r->branch->tip) == 0;

	/* On an older commit it tells nothing of it. */
	if (state == PROBE_IMPOSSIBLE && is_on_tip) {
		give_up(r, r->probe.error);
	} else if (r->newer[0] != '\0') {
		end_examination(r, state == PROBE_PASSED, now_ms);
	} else if (e->branch != NULL) {
		examine_note(e, state);
		examine(r, now_ms);
	} else if (state == PROBE_PASSED && ++r->passes < current(r)->enough) {
		run(r, r->branch->tip, now_ms);
	} else if (state == PROBE_PASSED) {
		note_passed(r);
		end_test(r, false, now_ms);
	} else {
		look_closer(r, now_ms);
	}
}

enum rerun_state
rerun_begin(struct rerun *r, struct branch *b, const struct passing_list *tests,
    int64_t now_ms)
{
	r->state = RERUN_GOES_ON;
	r->branch = r->probe.branch = b;
	r->tests = *tests;
	r->begun_ms = now_ms;
	r->n = 0;
	if (r->tests.n > 0)
		begin_test(r, now_ms);
	else
		end(r, RERUN_OVER);
	return r->state;
}

enum rerun_state
rerun_step(struct rerun *r, int64_t now_ms)
{
	bool is_stopping = r->agent->stopping;
	enum probe_state state;

	if (r->held != NULL && !is_stopping) {
		if (now_ms >= r->held_ms)
			run(r, r->held, now_ms);
		return r->state;
	}
	state =
	    r->held != NULL ? PROBE_IMPOSSIBLE : probe_poll(&r->probe, now_ms);
	if (state != PROBE_RUNNING && is_stopping)
		give_up(r, NULL);
	else if (state != PROBE_RUNNING)
		judge(r, state, now_ms);
	return r->state;
}

int64_t
rerun_next_ms(const struct rerun *r, int64_t now_ms)
{
	const struct job *j = &r->probe.job;

	return now_ms + (j->kill_ms != 0 || j->pid == 0 ? HURRY_MS : TICK_MS);
}

void
rerun_stop(struct rerun *r, int64_t now_ms)
{
	job_end(&r->probe.job, JOB_STOPPED, 0, now_ms);
}
