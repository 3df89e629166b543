#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <bsd/string.h>

#include "agents/common/leftovers.h"
#include "agents/monitor/sweep.h"
#include "base/clock.h"
#include "base/io.h"
#include "system/lock.h"

#define TESTS_MAX 1000 /* of one sweep */
#define TIP_REST  20   /* times as long as it took to be refused a tip */

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

	*w = (struct sweep){ .agent = a, .lock_fd = -1 };
	rerun_init(&w->rerun, a, w->directory);
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
	rerun_finish(&w->rerun);
	branches_free(w->branches, w->nbranches);
	free(w->configured);
	io_close(&w->lock_fd);
}

/* Returns 0 or -1. */
static int
pick(struct sweep *w, struct branch *b, const char *not_on,
    struct passing_list *ret)
{
	struct store *s = &w->agent->store;
	char *all =
	    b->has_gone ? passing_loops(s, b->loops, w->configured) : NULL;
	const struct passing_request request = { .except_id = "",
		.loops = all != NULL ? all : b->loops,
		.changed = "[]",
		.not_on = not_on,
		.max = TESTS_MAX,
		.regressed = true };
	int result =
	    b->has_gone && all == NULL ? -1 : passing_pick(s, &request, ret);

	free(all);
	return result;
}

/* Whether it goes on. */
static bool
take_note(struct sweep *w, enum rerun_state state, int64_t now_ms)
{
	const struct regressions_config *c = &w->agent->conf->regressions;
	const struct rerun *r = &w->rerun;
	struct branch *b = r->branch;
	int64_t rest_ms = now_ms - r->begun_ms;

	if (state == RERUN_GOES_ON)
		return true;
	b->why[0] = '\0';
	if (state == RERUN_GIVEN_UP) {
		(void)strlcpy(b->why, r->why, sizeof(b->why));
		b->tip[0] = '\0'; /* so that it is due again */
	} else if (w->is_full) {
		b->due_ms = now_ms + c->every_ms;
	}
	/* As long a rest as it took: others need the machine, too. But who
	 * broke something is looked for as long as it takes. */
	if (rest_ms > c->time_limit_ms)
		rest_ms = c->time_limit_ms;
	b->rest_ms = now_ms + rest_ms;
	return false;
}

/* Returns whether a sweep was begun, and isn't over. */
static bool
begin(struct sweep *w, struct branch *b, const char *tip, int64_t now_ms)
{
	struct passing_list tests;

	w->is_full = now_ms >= b->due_ms;
	if (pick(w, b, w->is_full ? NULL : tip, &tests) < 0) {
		agent_failed(w->agent, "looking for passed tests");
		return false;
	}
	(void)snprintf(b->tip, sizeof(b->tip), "%s", tip);
	return take_note(w, rerun_begin(&w->rerun, b, &tests, now_ms), now_ms);
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
	if (sweep_is_busy(w))
		(void)take_note(w, rerun_step(&w->rerun, now_ms), now_ms);
	else if (w->nbranches > 0 && now_ms >= w->look_ms)
		look(w, now_ms);
}

int64_t
sweep_next_ms(const struct sweep *w, int64_t now_ms)
{
	return sweep_is_busy(w) ? rerun_next_ms(&w->rerun, now_ms) : w->look_ms;
}

void
sweep_stop(struct sweep *w, int64_t now_ms)
{
	if (sweep_is_busy(w))
		rerun_stop(&w->rerun, now_ms);
}

bool
sweep_is_busy(const struct sweep *w)
{
	return w->rerun.state == RERUN_GOES_ON;
}
