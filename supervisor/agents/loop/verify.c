#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/common/transcript.h"
#include "agents/loop/attempt.h"
#include "agents/loop/close.h"
#include "agents/loop/evidence.h"
#include "agents/loop/integrate.h"
#include "agents/loop/recheck.h"
#include "agents/loop/setup.h"
#include "agents/loop/verify.h"
#include "base/buf.h"
#include "base/texts.h"

bool
verify_passed(const struct runner *r)
{
	return r->job.cause == JOB_EXITED && r->job.code == 0;
}

void
verify_describe(const struct runner *r, char *buf, size_t size)
{
	char text[160];

	job_describe(&r->job, text, sizeof(text));
	(void)snprintf(buf, size, "verify: %s", text);
}

bool
verify_run(struct runner *r, enum phase phase, const char *command,
    const char *what, int64_t now_ms)
{
	char **envp = worker_environment(r->config, &r->claim, NULL);
	char detail[ATTEMPT_DETAIL_SIZE];
	int result = -1;

	if (envp != NULL) {
		transcript_note(r->transcript_fd, "%s: %s", what, command);
		r->job_offset = lseek(r->transcript_fd, 0, SEEK_END);
		result = job_start_shell(&r->job, command,
		    &(struct job_command){ .envp = envp,
			.directory = r->place.trees[TREE_VERIFY].path,
			.output_fd = r->transcript_fd,
			.time_limit_ms = r->config->verify_limit_ms });
	}
	if (result < 0)
		(void)snprintf(detail, sizeof(detail),
		    "%s can't be started: %s", what, strerror(errno));
	texts_free(envp);
	if (result < 0)
		attempt_interrupt(r, detail, now_ms);
	else
		runner_enter(r, phase);
	return result == 0;
}

/* The checkout is ready for it. */
static void
go_on(struct runner *r, int64_t now_ms)
{
	switch (r->then_phase) {
	case PHASE_RECHECK: recheck_run(r, now_ms); break;
	case PHASE_CHECK:
		(void)verify_run(r, PHASE_CHECK, r->claim.verify,
		    "does it pass already", now_ms);
		break;
	default:
		(void)verify_run(
		    r, PHASE_VERIFY, r->claim.verify, "verify", now_ms);
		break;
	}
}

void
verify_begin(
    struct runner *r, enum phase phase, const char *commit, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];
	int due = -1;

	attempt_note(r, ATTEMPT_VERIFYING, 0, 0);
	if (r->lost) {
		attempt_give_up(r, now_ms);
		return;
	}
	r->then_phase = phase;
	(void)snprintf(r->then_commit, sizeof(r->then_commit), "%s", commit);
	if (workplace_reset(&r->place, TREE_VERIFY, commit) == 0)
		due = provision_is_due(&r->place.git, &r->place.provision,
		    &r->place.trees[TREE_VERIFY], commit);
	if (due < 0) {
		attempt_interrupt(r, r->place.git.error, now_ms);
	} else if (due == 0) {
		go_on(r, now_ms);
	} else {
		r->setup_tree = TREE_VERIFY;
		if (setup_start(r, PHASE_RESETUP) == 0)
			return;
		(void)snprintf(detail, sizeof(detail),
		    "setup can't be started: %s", strerror(errno));
		attempt_interrupt(r, detail, now_ms);
	}
}

/* It worked before this attempt changed what it depends on; or works on
 * nothing any more. */
static void
fail_setup(struct runner *r, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE], text[160];

	job_describe(&r->job, text, sizeof(text));
	if (strcmp(r->then_commit, r->candidate) == 0) {
		(void)snprintf(detail, sizeof(detail),
		    "setup fails after it changed what setup depends on: %s",
		    text);
		evidence_keep(r, detail);
		attempt_fail(r, detail, now_ms);
	} else {
		(void)snprintf(detail, sizeof(detail), "setup: %s", text);
		attempt_interrupt(r, detail, now_ms);
	}
}

void
verify_set_up(struct runner *r, int64_t now_ms)
{
	if (!verify_passed(r))
		fail_setup(r, now_ms);
	else if (provision_done(&r->place.git, &r->place.provision,
		     &r->place.trees[TREE_VERIFY], r->then_commit) < 0)
		attempt_interrupt(r, r->place.git.error, now_ms);
	else
		go_on(r, now_ms);
}

void
verify_next(struct runner *r, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE], verify[200];
	struct buf b;

	if (verify_passed(r)) {
		if (r->is_changed && !r->is_rechecked)
			recheck_begin(r, now_ms);
		else
			integrate_begin(r, now_ms);
		return;
	}
	verify_describe(r, verify, sizeof(verify));
	evidence_keep(r, verify);
	if (!r->is_worked) {
		attempt_restart(r, now_ms);
		return;
	}
	buf_init(&b, detail, sizeof(detail));
	if (r->work_cause != JOB_EXITED || r->work_code != 0)
		buf_addf(&b, "worker: %s; ", r->work_text);
	buf_add(&b, verify);
	close_begin(r, attempt_blame(r), false, detail, now_ms);
}
