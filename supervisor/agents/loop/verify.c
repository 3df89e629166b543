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
#include "agents/loop/trouble.h"
#include "agents/loop/verify.h"
#include "base/buf.h"
#include "base/texts.h"

#define SETUP_BROKEN "setup fails after it changed what setup depends on: "

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
			.time_limit_ms = r->config->verify_limit_ms,
			.output_max = r->config->max_output });
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

static void
set_up(struct runner *r, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];

	r->setup_tree = TREE_VERIFY;
	if (setup_start(r, PHASE_RESETUP) == 0)
		return;
	(void)snprintf(detail, sizeof(detail), "setup can't be started: %s",
	    strerror(errno));
	attempt_interrupt(r, detail, now_ms);
}

void
verify_begin(
    struct runner *r, enum phase phase, const char *commit, int64_t now_ms)
{
	int due = -1;

	attempt_note(r, ATTEMPT_VERIFYING, 0, 0);
	if (r->lost) {
		attempt_give_up(r, now_ms);
		return;
	}
	r->then_phase = phase;
	(void)snprintf(r->then_commit, sizeof(r->then_commit), "%s", commit);
	r->setup_text[0] = '\0';
	if (workplace_reset(&r->place, TREE_VERIFY, commit) == 0)
		due = provision_is_due(&r->place.git, &r->place.provision,
		    &r->place.trees[TREE_VERIFY], commit);
	if (due < 0)
		attempt_interrupt(r, r->place.git.error, now_ms);
	else if (due == 0)
		go_on(r, now_ms);
	else
		set_up(r, now_ms);
}

/* Setup depends on other things in the candidate than below it? 1, 0, or -1. */
static int
changes_setup(struct runner *r)
{
	const struct worktree *tree = &r->place.trees[TREE_VERIFY];
	struct provision *p = &r->place.provision;
	uint64_t before;

	if (provision_is_due(&r->place.git, p, tree, r->onto) < 0)
		return -1;
	before = p->fingerprint;
	if (provision_is_due(&r->place.git, p, tree, r->candidate) < 0)
		return -1;
	return p->fingerprint != before;
}

/* Nobody's doing: the candidate waits until setup works again, on which nothing
 * is claimed. */
static void
park(struct runner *r, const char *text, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];

	(void)snprintf(detail, sizeof(detail), "setup: %s", text);
	close_begin(r, OUTCOME_INTERRUPTED, true, detail, now_ms);
	trouble_note(
	    r, now_ms, "setup", "setup: %s: see %s", text, r->transcript);
}

/* It worked below the candidate before; whether it still does there tells whose
 * doing it is. */
static void
doubt_setup(struct runner *r, const char *text, int64_t now_ms)
{
	char title[ATTEMPT_DETAIL_SIZE];

	(void)snprintf(title, sizeof(title), SETUP_BROKEN "%s", text);
	evidence_keep(r, title);
	(void)snprintf(r->setup_text, sizeof(r->setup_text), "%s", text);
	transcript_note(r->transcript_fd, "setup: %s; without it:", text);
	if (workplace_reset(&r->place, TREE_VERIFY, r->onto) < 0)
		attempt_interrupt(r, r->place.git.error, now_ms);
	else
		set_up(r, now_ms);
}

static void
blame_setup(struct runner *r, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];

	(void)snprintf(
	    detail, sizeof(detail), SETUP_BROKEN "%s", r->setup_text);
	if (r->is_worked)
		attempt_fail(r, detail, now_ms);
	else
		attempt_restart(r, now_ms);
}

static void
fail_setup(struct runner *r, int64_t now_ms)
{
	char text[sizeof(r->setup_text)];
	int changed = 0;

	job_describe(&r->job, text, sizeof(text));
	if (r->setup_text[0] != '\0')
		evidence_forget(r);
	else if (r->is_changed && strcmp(r->then_commit, r->candidate) == 0 &&
	    !attempt_was_killed(r->job.cause, r->job.code))
		changed = changes_setup(r);
	if (changed < 0)
		attempt_interrupt(r, r->place.git.error, now_ms);
	else if (changed > 0)
		doubt_setup(r, text, now_ms);
	else
		park(r, text, now_ms);
}

void
verify_set_up(struct runner *r, int64_t now_ms)
{
	bool doubted = r->setup_text[0] != '\0';

	if (!verify_passed(r))
		fail_setup(r, now_ms);
	else if (provision_done(&r->place.git, &r->place.provision,
		     &r->place.trees[TREE_VERIFY],
		     doubted ? r->onto : r->then_commit, true) < 0)
		attempt_interrupt(r, r->place.git.error, now_ms);
	else if (doubted)
		blame_setup(r, now_ms);
	else
		go_on(r, now_ms);
}

void
verify_killed(struct runner *r, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];

	verify_describe(r, detail, sizeof(detail));
	/* What has killed it, such as a lack of memory, may last. */
	r->work_cause = JOB_NOT_STARTED;
	close_begin(r, OUTCOME_INTERRUPTED, false, detail, now_ms);
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
