/* One attempt: does the test pass already, the worker, does it pass now. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agents/loop/runner.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"

#define RENEW_MS (15 * 1000) /* well within CLAIM_LEASE_MS */
#define GRACE_MS 2000	     /* for a worker whose work is of no use any more */

/* The state goes to the attempt's row if the database can be had; it is for
 * those who look, the claim alone is what recovery needs. */
static void
note_state(
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

static void
give_up(struct runner *r, int64_t now_ms)
{
	if (r->lost)
		close_begin(r, OUTCOME_LOST_LEASE, true,
		    "the test was taken away", now_ms);
	else
		close_begin(r, OUTCOME_INTERRUPTED, true, "stopped", now_ms);
}

/* A machine at its limits: nobody's fault, but no reason to hurry either. */
static void
not_started(struct runner *r, const char *what, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];

	(void)snprintf(detail, sizeof(detail), "%s: %s", what, strerror(errno));
	r->work_cause = JOB_NOT_STARTED;
	close_begin(r, OUTCOME_INTERRUPTED, true, detail, now_ms);
}

/* Starts a job, or closes the attempt when that can't be done. */
static void
start(struct runner *r, enum phase phase, const struct job_command *command,
    int64_t now_ms)
{
	char line[1024];
	struct buf b;

	buf_init(&b, line, sizeof(line));
	for (size_t i = 0; command->argv[i] != NULL; i++)
		buf_addf(&b, "%s%s", i > 0 ? " " : "", command->argv[i]);
	line[strcspn(line, "\n")] = '\0';
	transcript_note(r->transcript_fd, "%s: %s",
	    phase == PHASE_CHECK      ? "does it pass already"
		: phase == PHASE_WORK ? "worker"
				      : "verify",
	    line);
	if (job_start(&r->job, command, now_ms) < 0) {
		not_started(r, line, now_ms);
		return;
	}
	runner_enter(r, phase);
}

static void
start_verify(struct runner *r, enum phase phase, int64_t now_ms)
{
	char shell[] = "/bin/sh", option[] = "-c";
	char *const argv[] = { shell, option, r->claim.verify, NULL };
	char **envp = worker_environment(r->config, &r->claim, NULL);

	if (envp == NULL) {
		not_started(r, "verify", now_ms);
		return;
	}
	if (phase == PHASE_VERIFY)
		note_state(r, ATTEMPT_VERIFYING, 0, 0);
	start(r, phase,
	    &(struct job_command){ .argv = argv,
		.envp = envp,
		.directory = r->config->repository,
		.output_fd = r->transcript_fd,
		.time_limit_ms = r->config->verify_limit_ms },
	    now_ms);
	worker_free_list(envp);
}

static void
start_worker(struct runner *r, int64_t now_ms)
{
	struct task task = { &r->claim, "", "", "", "" };
	char base[PATH_SIZE], what[PATH_SIZE] = "worker";
	size_t len = strlen(r->transcript) - strlen(".log");

	(void)path_format(base, "%.*s", (int)len, r->transcript);
	if (worker_prepare(&r->worker, r->config, &task, base, what) < 0) {
		not_started(r, what, now_ms);
		return;
	}
	/* The intent comes before the effect. */
	note_state(r, ATTEMPT_SPAWNING, 0, 0);
	if (r->lost) {
		give_up(r, now_ms);
		return;
	}
	start(r, PHASE_WORK,
	    &(struct job_command){ .argv = r->worker.argv,
		.envp = r->worker.envp,
		.directory = r->config->repository,
		.stdin_path = r->worker.stdin_path,
		.output_fd = r->transcript_fd,
		.time_limit_ms = r->config->time_limit_ms,
		.silence_limit_ms = r->config->silence_limit_ms },
	    now_ms);
	if (r->phase == PHASE_WORK)
		note_state(r, ATTEMPT_RUNNING, r->job.pid, r->job.pid_start);
}

void
attempt_begin(struct runner *r, int64_t now_ms)
{
	const struct claim *c = &r->claim;

	r->claimed_ms = now_ms;
	r->claimed_wall_ms = clock_wall_ms();
	r->renew_ms = now_ms + RENEW_MS;
	r->lost = r->saved = false;
	r->work_cause = JOB_EXITED;
	r->leftovers[0] = '\0';
	log_line(&r->agent.log, "%s: attempt %d of %d", c->key.test_id,
	    c->key.attempt, c->max_attempts);
	r->transcript_fd = transcript_open(r);
	if (r->transcript_fd < 0) {
		not_started(r, r->transcript, now_ms);
		return;
	}
	transcript_note(r->transcript_fd, "%s, attempt %d of %d, by %s in %s",
	    c->key.test_id, c->key.attempt, c->max_attempts, r->config->name,
	    r->config->repository);
	if (c->verify[0] != '\0')
		start_verify(r, PHASE_CHECK, now_ms);
	else
		start_worker(r, now_ms);
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

void
attempt_watch(struct runner *r, int64_t now_ms)
{
	if (!r->lost && ask(r, now_ms) == 0) {
		log_line(&r->agent.log, "%s: taken away; ending its worker",
		    r->claim.key.test_id);
		r->lost = true;
	}
	if (r->lost || r->agent.stopping)
		job_stop(&r->job, GRACE_MS, now_ms);
}

static bool
is_success(const struct job *j)
{
	return j->cause == JOB_EXITED && j->code == 0;
}

/* The worker is gone, and not by us. A kill may have been meant for anybody
 * (an operator, the kernel short of memory); other signals are its own. */
static enum attempt_outcome
blame(const struct runner *r)
{
	switch (r->work_cause) {
	case JOB_EXITED: return OUTCOME_FAILED;
	case JOB_SIGNALLED:
		return r->work_code == SIGKILL || r->work_code == SIGTERM ||
			r->work_code == SIGINT || r->work_code == SIGHUP
		    ? OUTCOME_INTERRUPTED
		    : OUTCOME_CRASHED;
	case JOB_TIMEOUT: return OUTCOME_TIMEOUT;
	case JOB_SILENT: return OUTCOME_SILENT;
	case JOB_NOT_STARTED:
	case JOB_STOPPED: break;
	}
	return OUTCOME_INTERRUPTED;
}

static void
end_work(struct runner *r, int64_t now_ms)
{
	struct job *j = &r->job;

	r->work_cause = j->cause;
	r->work_code = j->code;
	(void)memcpy(r->leftovers, j->leftovers, sizeof(r->leftovers));
	job_describe(j, r->work_text, sizeof(r->work_text));
	transcript_note(r->transcript_fd, "worker: %s", r->work_text);
	if (j->leftovers[0] != '\0')
		transcript_note(
		    r->transcript_fd, "left and ended: %s", j->leftovers);
	if (j->cause == JOB_NOT_STARTED)
		close_begin(
		    r, OUTCOME_INTERRUPTED, false, r->work_text, now_ms);
	else if (r->claim.verify[0] != '\0')
		start_verify(r, PHASE_VERIFY, now_ms);
	else
		close_begin(r, is_success(j) ? OUTCOME_PASSED : blame(r), false,
		    r->work_text, now_ms);
}

static void
end_verify(struct runner *r, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE], verify[100];
	bool worked = r->work_cause == JOB_EXITED && r->work_code == 0;

	if (is_success(&r->job)) {
		close_begin(r, OUTCOME_PASSED, false, "", now_ms);
		return;
	}
	job_describe(&r->job, verify, sizeof(verify));
	(void)snprintf(detail, sizeof(detail), "%s%s%sverify: %s",
	    worked ? "" : "worker: ", worked ? "" : r->work_text,
	    worked ? "" : "; ", verify);
	close_begin(r, blame(r), false, detail, now_ms);
}

void
attempt_next(struct runner *r, int64_t now_ms)
{
	if (r->lost || r->agent.stopping) {
		give_up(r, now_ms);
		return;
	}
	switch (r->phase) {
	case PHASE_CHECK:
		if (is_success(&r->job))
			close_begin(
			    r, OUTCOME_PASSED, true, "already passing", now_ms);
		else
			start_worker(r, now_ms);
		break;
	case PHASE_WORK: end_work(r, now_ms); break;
	case PHASE_VERIFY: end_verify(r, now_ms); break;
	case PHASE_IDLE:
	case PHASE_SETUP:
	case PHASE_WRITE: break;
	}
}
