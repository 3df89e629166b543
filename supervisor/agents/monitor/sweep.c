#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <bsd/string.h>

#include "agents/common/leftovers.h"
#include "agents/common/tail.h"
#include "agents/common/transcript.h"
#include "agents/monitor/sweep.h"
#include "base/clock.h"
#include "base/io.h"
#include "store/regressions.h"
#include "system/lock.h"

#define TESTS_MAX 1000 /* of one sweep */
#define TICK_MS	  1000
#define HURRY_MS  100 /* while a tree is being ended */
#define TIP_REST  20  /* times as long as it took to be refused a tip */

/* While git is waited for. */
static bool
go_on(void *argument)
{
	struct sweep *w = argument;

	agent_beat(w->agent);
	return true;
}

/* Paths as git notes them, without links. */
static int
make_directory(struct sweep *w, char state[static PATH_MAX])
{
	char path[PATH_SIZE];

	if (realpath(w->agent->state_directory, state) == NULL ||
	    path_format(w->directory, "%s/regression", state) < 0 ||
	    path_make(w->directory, 0700) < 0 ||
	    path_format(path, "%s/lock", w->directory) < 0)
		return -1;
	w->lock_fd = lock_take(AT_FDCWD, path);
	return w->lock_fd < 0 && errno != EAGAIN ? -1 : 0;
}

int
sweep_open(struct sweep *w, struct agent *a)
{
	char state[PATH_MAX];

	*w = (struct sweep){ .agent = a,
		.lock_fd = -1,
		.probe = { .conf = a->conf, .output_fd = -1 } };
	if (a->conf->regressions.every_ms == 0)
		return 0;
	/* Without it no tree could be proven empty here. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ||
	    make_directory(w, state) < 0) {
		log_line(&a->log, "%s/regression: %s", a->state_directory,
		    strerror(errno));
		return -1;
	}
	if (w->lock_fd < 0) {
		log_line(&a->log, "another monitor runs tests again");
		return 0;
	}
	if (leftovers_end(a, w->directory) < 0)
		return -1;
	w->branches = branches_make(
	    a->conf, state, w->directory, go_on, w, &w->nbranches);
	w->configured = branches_configured(a->conf);
	if (w->branches == NULL || w->configured == NULL) {
		log_line(&a->log, "%s", strerror(errno));
		return -1;
	}
	/* A monitor that comes again is no reason to run them all. */
	for (size_t i = 0; i < w->nbranches; i++)
		w->branches[i].due_ms =
		    clock_ms() + a->conf->regressions.every_ms;
	return 0;
}

void
sweep_close(struct sweep *w)
{
	passing_free(&w->tests);
	branches_free(w->branches, w->nbranches);
	free(w->configured);
	io_close(&w->probe.output_fd);
	io_close(&w->lock_fd);
}

static void
finish(struct sweep *w, int64_t now_ms)
{
	struct branch *b = w->branch;
	int64_t rest_ms = now_ms - w->begun_ms;

	w->held = NULL;
	examine_end(&w->examination);
	io_close(&w->probe.output_fd);
	b->why[0] = '\0';
	/* As long a rest as it took: others need the machine, too. But who
	 * broke something is looked for as long as it takes. */
	if (rest_ms > w->agent->conf->regressions.time_limit_ms)
		rest_ms = w->agent->conf->regressions.time_limit_ms;
	b->rest_ms = now_ms + rest_ms;
	passing_free(&w->tests);
	w->branch = NULL;
}

static void
complete(struct sweep *w, int64_t now_ms)
{
	if (w->is_full)
		w->branch->due_ms =
		    now_ms + w->agent->conf->regressions.every_ms;
	finish(w, now_ms);
}

/* It can't go on for now; why is NULL where nobody needs to know. */
static void
abandon(struct sweep *w, const char *why, int64_t now_ms)
{
	struct branch *b = w->branch;

	finish(w, now_ms);
	b->tip[0] = '\0'; /* so that it is due again */
	if (why == NULL)
		(void)unlink(w->transcript);
	else
		(void)strlcpy(b->why, why, sizeof(b->why));
}

static void
run(struct sweep *w, const char *commit, int64_t now_ms)
{
	w->held = NULL;
	if (probe_start(&w->probe, commit) == 0)
		return;
	/* Another process works on the repository's worktrees. */
	if (errno == EAGAIN) {
		w->held = commit;
		w->held_ms = now_ms + TICK_MS;
		return;
	}
	abandon(w, errno == ECANCELED ? NULL : w->probe.error, now_ms);
}

static const struct passing_test *
current(const struct sweep *w)
{
	return &w->tests.tests[w->n];
}

/* An open regression is at hand. */
static bool
is_known(const struct sweep *w)
{
	return w->n >= w->tests.nplain;
}

static void
begin_test(struct sweep *w, int64_t now_ms)
{
	char directory[PATH_SIZE], suffix[13];

	/* What is known to fail has the transcript of when it was found. */
	(void)snprintf(suffix, sizeof(suffix), "%.12s",
	    is_known(w) ? "again" : w->branch->tip);
	w->probe.test = current(w);
	w->passes = 0;
	w->newer[0] = '\0';
	if (path_format(directory, "%s/logs", w->directory) == 0)
		w->probe.output_fd = transcript_open(
		    directory, current(w)->id, suffix, w->transcript);
	if (w->probe.output_fd < 0)
		abandon(w, strerror(errno), now_ms);
	else
		run(w, w->branch->tip, now_ms);
}

/* Goes to the next one. When the time is over, one that is known to fail has
 * its turn all the same: else it might never be seen to pass. */
static bool
go_to_next(struct sweep *w, int64_t now_ms)
{
	const struct regressions_config *c = &w->agent->conf->regressions;
	bool was_known = is_known(w);

	w->n++;
	if (now_ms - w->begun_ms >= c->time_limit_ms)
		w->n = was_known ? w->tests.n : w->tests.nplain;
	return w->n < w->tests.n;
}

/* Only the transcript of a regression is of use. */
static void
end_test(struct sweep *w, bool keep, int64_t now_ms)
{
	io_close(&w->probe.output_fd);
	if (!keep)
		(void)unlink(w->transcript);
	if (go_to_next(w, now_ms)) {
		begin_test(w, now_ms);
		return;
	}
	complete(w, now_ms);
}

static void
note_passed(struct sweep *w)
{
	struct agent *a = w->agent;

	/* Only when it was verified is lost if this can't be written. */
	if (agent_database(a) == 0 &&
	    passing_note(&a->store, a->name,
		&(struct passing_run){ .test_id = current(w)->id,
		    .commit = w->branch->tip,
		    .passed_on = current(w)->commit,
		    .runs = 1 }) < 0)
		agent_failed(a, "noting what passes");
}

/* Returns whether the transcript is of use. */
static bool
tell(struct sweep *w)
{
	off_t from = (off_t)w->probe.job.vitals.output_begin;
	char *output =
	    tail_read(w->probe.output_fd, from, REGRESSIONS_OUTPUT_MAX);
	bool told = examine_tell(&w->examination, w->agent, w->transcript,
	    output != NULL ? output : "");

	free(output);
	return told;
}

/* What always fails may have been mended while it was looked at: then nobody is
 * to undo what broke it. */
static bool
is_out_of_date(struct sweep *w)
{
	const struct examination *e = &w->examination;
	struct branch *b = w->branch;
	char tip[GIT_HASH_SIZE];

	if (e->step != BISECT_FOUND || e->bisect.enough > 0 ||
	    branch_tip(b, tip) <= 0 || strcmp(tip, b->tip) == 0)
		return false;
	(void)strlcpy(w->newer, tip, sizeof(w->newer));
	return true;
}

static void
end_examination(struct sweep *w, bool is_over, int64_t now_ms)
{
	bool told = !is_over && tell(w);

	examine_end(&w->examination);
	end_test(w, told, now_ms);
}

/* Runs it where that tells most, until enough is known. */
static void
examine(struct sweep *w, int64_t now_ms)
{
	const char *commit = examine_next(&w->examination);

	if (commit != NULL)
		run(w, commit, now_ms);
	else if (is_out_of_date(w))
		run(w, w->newer, now_ms);
	else
		end_examination(w, false, now_ms);
}

/* Of a loop that is gone, and it never passed on this branch. */
static bool
is_strange(const struct sweep *w)
{
	return !w->examination.bisect.has_good &&
	    conf_loop(w->agent->conf, current(w)->loop_id) == NULL;
}

/* It fails on the tip. */
static void
look_closer(struct sweep *w, int64_t now_ms)
{
	struct agent *a = w->agent;
	struct branch *b = w->branch;

	if (is_known(w)) {
		if (agent_database(a) == 0 &&
		    regressions_confirm(&a->store, current(w)->id) < 0)
			agent_failed(a, "noting a regression");
		end_test(w, false, now_ms);
	} else if (examine_begin(&w->examination, b, current(w), b->tip) < 0) {
		abandon(w,
		    errno == ECANCELED	  ? NULL
			: errno == ENOMEM ? strerror(errno)
					  : b->git.error,
		    now_ms);
	} else if (is_strange(w)) {
		examine_end(&w->examination);
		end_test(w, false, now_ms);
	} else {
		examine(w, now_ms);
	}
}

static void
judge(struct sweep *w, enum probe_state state, int64_t now_ms)
{
	struct examination *e = &w->examination;
	bool is_on_tip = strcmp(w->probe.commit, w->branch->tip) == 0;

	/* On an older commit it tells nothing of it. */
	if (state == PROBE_IMPOSSIBLE && is_on_tip) {
		abandon(w, w->probe.error, now_ms);
	} else if (w->newer[0] != '\0') {
		end_examination(w, state == PROBE_PASSED, now_ms);
	} else if (e->branch != NULL) {
		examine_note(e, state);
		examine(w, now_ms);
	} else if (state == PROBE_PASSED && ++w->passes < current(w)->enough) {
		run(w, w->branch->tip, now_ms);
	} else if (state == PROBE_PASSED) {
		note_passed(w);
		end_test(w, false, now_ms);
	} else {
		look_closer(w, now_ms);
	}
}

/* Where there is but one branch, what loops that are gone have done is on it,
 * too. Returns 0 or -1. */
static int
pick(struct sweep *w, struct branch *b, const char *not_on)
{
	struct store *s = &w->agent->store;
	char *all = w->nbranches == 1
	    ? passing_loops(s, b->loops, w->configured)
	    : NULL;
	const struct passing_request request = { .except_id = "",
		.loops = all != NULL ? all : b->loops,
		.changed = "[]",
		.not_on = not_on,
		.max = TESTS_MAX,
		.regressed = true };
	int result = w->nbranches == 1 && all == NULL
	    ? -1
	    : passing_pick(s, &request, &w->tests);

	free(all);
	return result;
}

/* Returns whether a sweep was begun. */
static bool
begin(struct sweep *w, struct branch *b, const char *tip, int64_t now_ms)
{
	w->is_full = now_ms >= b->due_ms;
	if (pick(w, b, w->is_full ? NULL : tip) < 0) {
		agent_failed(w->agent, "looking for passed tests");
		return false;
	}
	(void)snprintf(b->tip, sizeof(b->tip), "%s", tip);
	w->branch = w->probe.branch = b;
	w->begun_ms = now_ms;
	w->n = 0;
	if (w->tests.n > 0)
		begin_test(w, now_ms);
	else
		complete(w, now_ms);
	return w->branch != NULL;
}

/* Whether it is to be swept, with its tip. */
static bool
is_due(struct branch *b, char tip[static GIT_HASH_SIZE], int64_t now_ms)
{
	int64_t begun_ms = clock_ms();
	int found;

	if (now_ms < b->rest_ms)
		return false;
	found = branch_tip(b, tip);
	if (found < 0) {
		(void)strlcpy(b->why, b->git.error, sizeof(b->why));
		/* Where git hangs, all else goes on meanwhile. */
		b->rest_ms = now_ms + TIP_REST * (clock_ms() - begun_ms);
	}
	/* Nothing that couldn't be done is left to do. */
	if (found == 0 || (found > 0 && strcmp(tip, b->tip) == 0))
		b->why[0] = '\0';
	return found > 0 && (strcmp(tip, b->tip) != 0 || now_ms >= b->due_ms);
}

static void
look(struct sweep *w, int64_t now_ms)
{
	char tip[GIT_HASH_SIZE];

	w->look_ms = now_ms + w->agent->conf->monitor.every_ms;
	if (w->agent->stopping || agent_database(w->agent) < 0)
		return;
	for (size_t i = 0; i < w->nbranches; i++) {
		struct branch *b = &w->branches[w->next];

		w->next = (w->next + 1) % w->nbranches;
		if (is_due(b, tip, now_ms) && begin(w, b, tip, now_ms))
			return;
	}
}

void
sweep_step(struct sweep *w, int64_t now_ms)
{
	enum probe_state state;

	if (w->branch == NULL) {
		if (w->nbranches > 0 && now_ms >= w->look_ms)
			look(w, now_ms);
		return;
	}
	if (w->held != NULL && !w->agent->stopping) {
		if (now_ms >= w->held_ms)
			run(w, w->held, now_ms);
		return;
	}
	state =
	    w->held != NULL ? PROBE_IMPOSSIBLE : probe_poll(&w->probe, now_ms);
	if (state == PROBE_RUNNING)
		return;
	if (w->agent->stopping)
		abandon(w, NULL, now_ms);
	else
		judge(w, state, now_ms);
}

int64_t
sweep_next_ms(const struct sweep *w, int64_t now_ms)
{
	const struct job *j = &w->probe.job;

	if (w->branch == NULL)
		return w->look_ms;
	return now_ms + (j->kill_ms != 0 || j->pid == 0 ? HURRY_MS : TICK_MS);
}

void
sweep_stop(struct sweep *w, int64_t now_ms)
{
	if (w->branch != NULL)
		job_end(&w->probe.job, JOB_STOPPED, 0, now_ms);
}

bool
sweep_is_busy(const struct sweep *w)
{
	return w->branch != NULL;
}
