#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/common/transcript.h"
#include "agents/loop/attempt.h"
#include "agents/loop/candidate.h"
#include "agents/loop/close.h"
#include "agents/loop/integrate.h"
#include "agents/loop/recheck.h"
#include "agents/loop/show.h"
#include "agents/loop/trouble.h"
#include "agents/loop/verify.h"
#include "base/io.h"
#include "base/point.h"

#define UNMERGED "verified, but not merged before it ended"

void
integrate_begin(struct runner *r, int64_t now_ms)
{
	runner_enter(r, PHASE_INTEGRATE);
	close_fill(r, OUTCOME_INTERRUPTED, true, UNMERGED, now_ms);
	integrate_step(r, now_ms);
}

static void
leave_turn(struct runner *r)
{
	io_close(&r->merge_fd);
}

/* Whether it is our turn. */
static bool
take_turn(struct runner *r)
{
	if (r->merge_fd < 0)
		r->merge_fd = repository_lock(&r->place.git, "merge");
	return r->merge_fd >= 0;
}

static void
give_up(struct runner *r, int64_t now_ms)
{
	leave_turn(r);
	if (r->lost) {
		attempt_give_up(r, now_ms);
		return;
	}
	close_begin(r, OUTCOME_INTERRUPTED, true, UNMERGED, now_ms);
}

/* What the transaction stands and falls with. */
static int
move_branch(void *argument)
{
	struct runner *r = argument;
	char ref[GIT_REF_SIZE], note[ATTEMPT_TEST_SIZE + 32];
	int moved;

	if (!r->is_changed || r->is_merged)
		return 0;
	(void)snprintf(
	    ref, sizeof(ref), "refs/heads/%s", r->config->integration_branch);
	(void)snprintf(
	    note, sizeof(note), "loopkeeper: %s", r->claim.key.test_id);
	point_wait("LOOPKEEPER_DELAY_BEFORE_MERGE_MS");
	moved = repository_move_ref(
	    &r->place.git, ref, r->candidate, r->onto, note);
	point_wait("LOOPKEEPER_DELAY_AFTER_MERGE_MS");
	if (moved > 0)
		return 0;
	if (moved == 0)
		errno = ESTALE;
	return -1;
}

static void
finish(struct runner *r, enum attempt_result result, int64_t now_ms)
{
	leave_turn(r);
	trouble_clear(r);
	transcript_note(r->transcript_fd, "%s: %s at %.12s",
	    result == RESULT_PASSED ? "passed" : "not merged",
	    r->config->integration_branch, r->candidate);
	show_more(r);
	io_close(&r->transcript_fd);
	close_tell(r, result);
	close_release(r, now_ms);
}

/* It wasn't merged: the database or git said no, and it is tried again. */
static void
wait_on(struct runner *r, int64_t now_ms)
{
	struct git *g = &r->place.git;
	char tip[GIT_HASH_SIZE];

	leave_turn(r);
	close_fill(r, OUTCOME_INTERRUPTED, true, UNMERGED, now_ms);
	if (g->error[0] == '\0') {
		agent_failed(&r->agent, "merging");
		return;
	}
	trouble_note(r, now_ms, "repository", "%s", g->error);
	/* Sets aside the lock of a git that died. */
	(void)workplace_open(&r->place, tip);
}

/* By whoever began after it was judged, or while nobody could tell. The next
 * attempt of the test goes on with the candidate; to wait here would hold
 * files that the other loop may wait for. */
static bool
is_locked(struct runner *r, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];
	int n =
	    r->is_changed && !r->is_merged ? candidate_is_locked(r, detail) : 0;

	if (n < 0)
		wait_on(r, now_ms);
	else if (n > 0)
		attempt_interrupt(r, detail, now_ms);
	return n != 0;
}

/* Nobody could tell before which tests to run again, or asked. */
static bool
needs_recheck(const struct runner *r)
{
	return r->is_changed && !r->is_merged && !r->is_rechecked;
}

static void
merge(struct runner *r, int64_t now_ms)
{
	struct store *s = &r->agent.store;
	enum attempt_result result;
	int held;

	r->place.git.error[0] = '\0';
	if (needs_recheck(r)) {
		recheck_begin(r, now_ms);
		return;
	}
	if (is_locked(r, now_ms))
		return;
	held = attempts_integrate(s, &r->claim.key, r->candidate);
	if (held == 0) {
		r->lost = true;
		give_up(r, now_ms);
		return;
	}
	if (held > 0) {
		/* What was kept is the intent's to say from here on. */
		close_forget(r);
		close_fill(r, OUTCOME_PASSED, false, "", now_ms);
		held = attempts_end_with(s, &r->outcome.key, &r->outcome.end,
		    move_branch, r, &result);
	}
	if (held >= 0)
		finish(r, result, now_ms);
	else if (errno != ESTALE)
		wait_on(r, now_ms);
	else
		close_fill(r, OUTCOME_INTERRUPTED, true, UNMERGED, now_ms);
}

/* The branch can't be had. Where that is up to a person, nothing is held
 * meanwhile: the next attempt of the test goes on with the candidate. */
static void
refuse(struct runner *r, int error, int64_t now_ms)
{
	leave_turn(r);
	trouble_note(r, now_ms, "repository", "%s", r->place.git.error);
	if (error == EPERM)
		give_up(r, now_ms);
}

/* Brought to the tip of the branch, to be verified again there. */
static void
move_to(struct runner *r, const char *tip, int64_t now_ms)
{
	int moved = candidate_move(r, tip, now_ms);

	if (moved < 0)
		attempt_interrupt(r, r->place.git.error, now_ms);
	if (moved <= 0) {
		leave_turn(r);
		return;
	}
	transcript_note(
	    r->transcript_fd, "put on %.12s, which came before it", tip);
	verify_begin(r, PHASE_VERIFY, r->candidate, now_ms);
}

/* Whether it may be merged now: the branch is where the candidate was
 * verified, or has it already, where only the database said no. */
static bool
is_on_tip(struct runner *r, int64_t now_ms)
{
	struct git *g = &r->place.git;
	char tip[GIT_HASH_SIZE];
	int merged = 0;

	if (workplace_tip(&r->place, tip) < 0)
		merged = -1;
	else if (r->is_changed && strcmp(tip, r->onto) != 0)
		merged = repository_contains(
		    g, r->config->integration_branch, r->candidate);
	if (merged < 0) {
		refuse(r, errno, now_ms);
		return false;
	}
	r->is_merged = merged > 0;
	if (!r->is_changed || r->is_merged || strcmp(tip, r->onto) == 0)
		return true;
	move_to(r, tip, now_ms);
	return false;
}

void
integrate_step(struct runner *r, int64_t now_ms)
{
	struct agent *a = &r->agent;

	attempt_watch(r, now_ms);
	if (r->lost || a->stopping) {
		give_up(r, now_ms);
		return;
	}
	if (agent_database(a) < 0) {
		/* If this process ends now, its work isn't lost. */
		leave_turn(r);
		close_save(r);
		return;
	}
	if (now_ms >= r->not_before_ms && take_turn(r) && is_on_tip(r, now_ms))
		merge(r, now_ms);
}
