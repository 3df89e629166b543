#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/common/leftovers.h"
#include "agents/common/transcript.h"
#include "agents/loop/attempt.h"
#include "agents/loop/candidate.h"
#include "agents/loop/close.h"
#include "agents/loop/evidence.h"
#include "agents/loop/gate.h"
#include "agents/loop/recheck.h"
#include "agents/loop/spend.h"
#include "agents/loop/task.h"
#include "agents/loop/verify.h"
#include "agents/loop/waits.h"
#include "agents/loop/work.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/point.h"

#define RENEW_MS       point_ms("LOOPKEEPER_RENEW_MS", 15000) /* of the lease */
#define GRACE_MS       2000 /* for a worker whose work is of no use any more */
#define STUCK_GRACE_MS 5000

void
attempt_note(
    struct runner *r, enum attempt_state state, pid_t pid, uint64_t pid_start)
{
	int held;

	if (agent_database(&r->agent) < 0)
		return;
	held = attempts_enter(&r->agent.store, &r->claim.key, state, pid,
	    pid_start, r->transcript);
	if (held < 0)
		agent_failed(&r->agent, "writing an attempt's state");
	else if (held == 0)
		r->lost = true;
}

void
attempt_give_up(struct runner *r, int64_t now_ms)
{
	if (candidate_save(r) < 0)
		transcript_note(r->transcript_fd,
		    "its work stays in the worktree: %s", r->place.git.error);
	if (r->lost)
		close_begin(r, OUTCOME_LOST_LEASE, true,
		    "the test was taken away", now_ms);
	else
		close_begin(r, OUTCOME_INTERRUPTED, true, "stopped", now_ms);
}

void
attempt_interrupt(struct runner *r, const char *what, int64_t now_ms)
{
	/* No reason to hurry either. */
	r->work_cause = JOB_NOT_STARTED;
	/* A worker that was paid for isn't run again and again for it. */
	close_begin(r, OUTCOME_INTERRUPTED, !r->is_worked, what, now_ms);
}

void
attempt_fail(struct runner *r, const char *detail, int64_t now_ms)
{
	close_begin(r, r->is_worked ? OUTCOME_FAILED : OUTCOME_INTERRUPTED,
	    !r->is_worked, detail, now_ms);
}

/* Writes down what it is about to do. Returns false when it may not. */
static bool
plan(struct runner *r, int64_t now_ms)
{
	const struct worker_preset *preset = task_preset(r);
	const struct loop_config *c = r->config;
	char ref[GIT_REF_SIZE];
	int held;

	(void)snprintf(
	    ref, sizeof(ref), "refs/loopkeeper/attempts/%s", r->claim.key.id);
	held = attempts_plan(&r->agent.store, &r->claim.key,
	    &(struct attempt_plan){ .base_commit = r->base,
		.repository = c->repository,
		.integration_branch = c->integration_branch,
		.snapshot_ref = ref,
		.provider = preset != NULL ? preset->provider : "",
		.second_worker = r->is_second });
	if (held < 0)
		agent_failed(&r->agent, "writing an attempt's plan");
	r->lost = held == 0;
	if (held != 1)
		attempt_give_up(r, now_ms);
	return held == 1;
}

static void
reset(struct runner *r, int64_t now_ms)
{
	r->claimed_ms = now_ms;
	r->claimed_wall_ms = clock_wall_ms();
	r->renew_ms = now_ms + RENEW_MS;
	r->spent_ms = 0;
	r->lost = r->saved = r->slow_told = r->silent_told = false;
	r->budget_told = false;
	r->is_changed = r->is_worked = r->is_rechecked = false;
	r->work_cause = JOB_EXITED;
	r->work_code = 0;
	r->verdict = PRESET_NOTHING;
	r->work_text[0] = r->leftovers[0] = r->fingerprint[0] = '\0';
	r->broken[0] = '\0';
	r->snapshot[0] = r->candidate[0] = r->onto[0] = '\0';
	(void)snprintf(r->seen, sizeof(r->seen), "%s", r->base);
	free(r->changed_json);
	r->changed_json = NULL;
}

static void
check(struct runner *r, int64_t now_ms)
{
	if (r->claim.verify[0] != '\0')
		(void)verify_run(r, PHASE_CHECK, r->claim.verify,
		    "does it pass already", now_ms);
	else
		work_start(r, now_ms);
}

void
attempt_restart(struct runner *r, int64_t now_ms)
{
	r->candidate[0] = r->onto[0] = '\0';
	(void)snprintf(r->seen, sizeof(r->seen), "%s", r->base);
	r->is_changed = r->is_rechecked = false;
	if (r->claim.verify[0] != '\0')
		verify_begin(r, PHASE_CHECK, r->base, now_ms);
	else
		work_start(r, now_ms);
}

/* The fence counts every attempt, also those that were interrupted. In another
 * database it begins anew: what lies beside it belongs to commits there are,
 * and none writes over it. */
static int
open_transcript(struct runner *r)
{
	const struct attempt_key *key = &r->claim.key;
	char directory[PATH_SIZE], suffix[40];
	int n = snprintf(suffix, sizeof(suffix), "%lld", (long long)key->fence);
	int fd;

	if (path_format(directory, "%s/logs/transcripts", r->specs) < 0)
		return -1;
	fd = transcript_create(directory, key->test_id, suffix, r->transcript);
	if (fd >= 0 || errno != EEXIST)
		return fd;
	(void)snprintf(
	    suffix + n, sizeof(suffix) - (size_t)n, "-%.8s", key->id);
	return transcript_create(
	    directory, key->test_id, suffix, r->transcript);
}

void
attempt_begin(struct runner *r, int64_t now_ms)
{
	const struct claim *c = &r->claim;
	char detail[ATTEMPT_DETAIL_SIZE];

	reset(r, now_ms);
	r->shown = 0;
	log_line(&r->agent.log, "%s: attempt %d of %d", c->key.test_id,
	    c->key.attempt, c->max_attempts);
	r->transcript_fd = open_transcript(r);
	if (r->transcript_fd < 0) {
		(void)snprintf(detail, sizeof(detail), "its transcript: %s",
		    strerror(errno));
		attempt_interrupt(r, detail, now_ms);
		return;
	}
	transcript_note(r->transcript_fd,
	    "%s, attempt %d of %d, by %s in %s at %.12s", c->key.test_id,
	    c->key.attempt, c->max_attempts, r->config->name,
	    r->place.trees[TREE_WORK].path, r->base);
	task_choose_worker(r);
	if (!plan(r, now_ms))
		return;
	evidence_recall(r);
	/* A worker of the test's own tries no provider. */
	if (task_preset(r) == NULL)
		gate_leave(r);
	if (!candidate_resume(r, now_ms))
		check(r, now_ms);
}

/* The claim is still ours? 1 yes or nobody knows, 0 no. */
static int
ask(struct runner *r, int64_t now_ms)
{
	struct store *s = &r->agent.store;
	int held;

	if (agent_database(&r->agent) < 0)
		return 1;
	if (now_ms >= r->renew_ms) {
		held = claims_renew(s, &r->claim.key);
		r->renew_ms = now_ms + RENEW_MS;
	} else {
		held = claims_held(s, &r->claim.key);
	}
	if (held < 0) {
		agent_failed(&r->agent, "renewing a lease");
		return 1;
	}
	return held;
}

/* Whoever looks at the evidence may have found that it doesn't get on. */
static void
heed(struct runner *r, int64_t now_ms)
{
	struct job *j = &r->job;
	int told;

	if (j->kill_ms != 0 || agent_database(&r->agent) < 0)
		return;
	told = attempts_stop_reason(
	    &r->agent.store, &r->claim.key, j->why, sizeof(j->why));
	if (told < 0)
		agent_failed(&r->agent, "looking whether to go on");
	else if (told > 0)
		job_end(j, JOB_STUCK, STUCK_GRACE_MS, now_ms);
}

void
attempt_watch(struct runner *r, int64_t now_ms)
{
	const char *step;

	if (!r->lost && ask(r, now_ms) == 0) {
		log_line(&r->agent.log, "%s: taken away; ending its worker",
		    r->claim.key.test_id);
		r->lost = true;
	}
	if (r->lost || r->agent.stopping) {
		job_end(&r->job, JOB_STOPPED, GRACE_MS, now_ms);
	} else if (r->phase == PHASE_WORK) {
		heed(r, now_ms);
		spend_watch(r, now_ms);
	}
	step = job_new_step(&r->job);
	if (step != NULL)
		log_line(&r->agent.log, "%s: %s", r->claim.key.test_id, step);
}

bool
attempt_was_killed(enum job_cause cause, int code)
{
	return cause == JOB_SIGNALLED &&
	    (code == SIGKILL || code == SIGTERM || code == SIGINT ||
		code == SIGHUP);
}

/* How it came to its end, when it has told of nothing that explains it. */
static enum attempt_outcome
blame_end(const struct runner *r)
{
	switch (r->work_cause) {
	case JOB_EXITED:
	case JOB_FLOOD:
	case JOB_FINISHED: return OUTCOME_FAILED;
	case JOB_SIGNALLED:
		return attempt_was_killed(r->work_cause, r->work_code)
		    ? OUTCOME_INTERRUPTED
		    : OUTCOME_CRASHED;
	case JOB_TIMEOUT: return OUTCOME_TIMEOUT;
	case JOB_NO_OUTPUT:
	case JOB_NO_LIFE:
	case JOB_NO_PROGRESS:
	case JOB_STUCK:
	case JOB_SILENT: return OUTCOME_SILENT;
	case JOB_WAITING: return OUTCOME_WAITING_FOR_INPUT;
	case JOB_BUDGET: return OUTCOME_BUDGET;
	case JOB_NOT_STARTED:
	case JOB_STOPPED: break;
	}
	return OUTCOME_INTERRUPTED;
}

enum attempt_outcome
attempt_blame(const struct runner *r)
{
	if (r->work_cause == JOB_BUDGET || r->work_cause == JOB_NOT_STARTED ||
	    r->work_cause == JOB_STOPPED)
		return blame_end(r);
	/* However it ended then: there are programs that only hang. */
	if (r->verdict == PRESET_RATE_LIMITED ||
	    r->verdict == PRESET_UNAVAILABLE)
		return OUTCOME_RATE_LIMITED;
	if (r->verdict == PRESET_AUTH)
		return OUTCOME_AUTH;
	if (r->verdict == PRESET_BUDGET)
		return OUTCOME_BUDGET;
	if (r->verdict == PRESET_WAITING && r->work_cause != JOB_SIGNALLED)
		return OUTCOME_WAITING_FOR_INPUT;
	return blame_end(r);
}

/* Its tree is empty; what it left of that is known. */
static void
end_others(struct runner *r)
{
	size_t len = strlen(r->leftovers);
	char names[JOB_LEFTOVERS_SIZE];
	struct buf b;

	if (leftovers_end_attempt(
		&r->agent, r->claim.key.id, names, sizeof(names)) < 0)
		r->begun_epoch[0] = '\0'; /* it is looked for again */
	if (names[0] == '\0')
		return;
	buf_init(&b, r->leftovers + len, sizeof(r->leftovers) - len);
	buf_addf(&b, "%s%s", len > 0 ? ", " : "", names);
}

static void
end_work(struct runner *r, int64_t now_ms)
{
	struct job *j = &r->job;

	r->work_cause = j->cause;
	r->work_code = j->code;
	(void)memcpy(r->leftovers, j->leftovers, sizeof(r->leftovers));
	job_describe(j, r->work_text, sizeof(r->work_text));
	spend_end(r, now_ms);
	waits_end_worker(r);
	transcript_note(r->transcript_fd, "worker: %s", r->work_text);
	end_others(r);
	if (r->leftovers[0] != '\0')
		transcript_note(
		    r->transcript_fd, "left and ended: %s", r->leftovers);
	if (r->lost || r->agent.stopping)
		attempt_give_up(r, now_ms);
	else if (j->cause == JOB_NOT_STARTED)
		close_begin(
		    r, OUTCOME_INTERRUPTED, false, r->work_text, now_ms);
	else
		candidate_make(r, now_ms);
}

static void
end_check(struct runner *r, int64_t now_ms)
{
	char title[512], how[200];
	struct buf b;

	if (verify_passed(r)) {
		close_begin(r, OUTCOME_PASSED, true, "already passing", now_ms);
		return;
	}
	/* Without a failure before it, or a specification, this is the task. */
	if (r->failure == NULL) {
		verify_describe(r, how, sizeof(how));
		buf_init(&b, title, sizeof(title));
		buf_addf(&b, "Before anything was changed, '%s': %s",
		    r->claim.verify, how);
		evidence_keep(r, title);
	}
	work_start(r, now_ms);
}

void
attempt_next(struct runner *r, int64_t now_ms)
{
	if (r->phase == PHASE_WORK) {
		end_work(r, now_ms);
		return;
	}
	if (r->lost || r->agent.stopping) {
		attempt_give_up(r, now_ms);
		return;
	}
	if (r->phase == PHASE_RESETUP) {
		verify_set_up(r, now_ms);
		return;
	}
	/* Of others' tests it is found out whose doing that is. */
	if (r->phase != PHASE_RECHECK &&
	    attempt_was_killed(r->job.cause, r->job.code)) {
		verify_killed(r, now_ms);
		return;
	}
	switch (r->phase) {
	case PHASE_CHECK: end_check(r, now_ms); break;
	case PHASE_VERIFY: verify_next(r, now_ms); break;
	case PHASE_RECHECK: recheck_next(r, now_ms); break;
	default: break;
	}
}
