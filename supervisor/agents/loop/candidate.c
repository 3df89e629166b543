#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/common/transcript.h"
#include "agents/loop/attempt.h"
#include "agents/loop/candidate.h"
#include "agents/loop/changes.h"
#include "agents/loop/clash.h"
#include "agents/loop/close.h"
#include "agents/loop/evidence.h"
#include "agents/loop/gate.h"
#include "agents/loop/integrate.h"
#include "agents/loop/recheck.h"
#include "agents/loop/refusal.h"
#include "agents/loop/verify.h"
#include "agents/loop/waits.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/point.h"
#include "git/snapshot.h"

#define PASSES "Pass"

static void
ref_name(const struct runner *r, char ret[static GIT_REF_SIZE])
{
	(void)snprintf(
	    ret, GIT_REF_SIZE, "refs/loopkeeper/attempts/%s", r->claim.key.id);
}

/* To be freed. */
static char *
message_of(const struct runner *r, const char *what)
{
	const struct attempt_key *k = &r->claim.key;
	char *text;

	if (asprintf(&text,
		"%s %s\n\nLoop: %s\nTest: %s\nAttempt: %s\nEpoch: %s\n", what,
		k->test_id, k->loop_id, k->test_id, k->id, k->epoch) < 0)
		return NULL;
	return text;
}

int
candidate_save(struct runner *r)
{
	struct git *g = &r->place.git;
	char ref[GIT_REF_SIZE], *message;
	int result;

	if (!r->is_worked || r->snapshot[0] != '\0')
		return 0;
	message = message_of(r, "What was done for");
	if (message == NULL)
		return git_fail(g, ENOMEM, "out of memory");
	ref_name(r, ref);
	point_wait("LOOPKEEPER_DELAY_BEFORE_SNAPSHOT_MS");
	result = workplace_mend(&r->place, TREE_WORK, r->base);
	if (result == 0)
		result = snapshot_take(g, &r->place.trees[TREE_WORK], r->base,
		    r->place.provision.own, ref, message, r->snapshot);
	point_wait("LOOPKEEPER_DELAY_AFTER_SNAPSHOT_MS");
	free(message);
	if (result < 0) {
		r->snapshot[0] = '\0';
		return -1;
	}
	if (provision_doubt(g, &r->place.provision, &r->place.trees[TREE_WORK],
		r->snapshot) < 0)
		return -1;
	/* It is safe now. One that stays is only saved again. */
	if (unlink(r->marker_path) < 0 && errno != ENOENT)
		log_line(
		    &r->agent.log, "%s: %s", r->marker_path, strerror(errno));
	return 0;
}

/* For the next attempt: what was said of this one, though no command did. */
static void
keep_reason(struct runner *r, const char *detail, const char *title)
{
	r->job_offset = lseek(r->transcript_fd, 0, SEEK_END);
	transcript_note(r->transcript_fd, "%s", detail);
	evidence_keep(r, title);
}

/* It isn't even verified. Who was stopped in the middle by his provider isn't
 * blamed for what he left. */
static void
refuse(struct runner *r, const char *detail, int64_t now_ms)
{
	keep_reason(r, detail, "It was refused");
	close_begin(r, attempt_blame(r), false, detail, now_ms);
}

/* The files of the tests differ: no verdict on this can be believed. What was
 * done to them is kept beside the transcript. */
static void
close_gamed(struct runner *r, const struct changes *c, int64_t now_ms)
{
	const struct git_call call = { 0 };
	char detail[ATTEMPT_DETAIL_SIZE], path[PATH_SIZE];
	struct git_call diff = call;
	int fd = -1;

	if (transcript_beside(r->transcript, ".gamed.diff", path) == 0)
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	diff.output_fd = fd;
	if (fd < 0 ||
	    git_run(&r->place.git, &diff,
		(const char *const[]){ "diff-tree", "-p", "--no-renames",
		    r->base, r->snapshot, NULL }) < 0)
		log_line(&r->agent.log, "%s: %s", path,
		    fd < 0 ? strerror(errno) : r->place.git.error);
	io_close(&fd);
	(void)snprintf(detail, sizeof(detail), "it %s %s%s",
	    c->gamed_status == 'D' ? "deleted" : "changed", c->gamed,
	    c->ngamed > 1 ? " and other files of tests" : ", a file of tests");
	keep_reason(r, detail, "It was refused");
	close_begin(r, OUTCOME_GAMED, false, detail, now_ms);
}

/* Makes the candidate out of the snapshot, on the base. Returns 0 or -1. */
static int
build(struct runner *r, const struct changes *c)
{
	struct git *g = &r->place.git;
	char tree[GIT_HASH_SIZE + 8], index[PATH_SIZE], *message;
	int result = 0;

	r->is_changed = c->paths.n > 0;
	(void)snprintf(r->onto, sizeof(r->onto), "%s", r->base);
	if (!r->is_changed) {
		(void)snprintf(
		    r->candidate, sizeof(r->candidate), "%s", r->base);
		return 0;
	}
	(void)snprintf(tree, sizeof(tree), "%s^{tree}", r->snapshot);
	if (path_format(index, "%s/loopkeeper-candidate",
		r->place.trees[TREE_WORK].admin) < 0)
		return git_fail(g, errno, "%s", strerror(errno));
	if (c->added_tests.n > 0 &&
	    snapshot_restore(
		g, r->snapshot, r->base, c->added_tests.items, index, tree) < 0)
		return -1;
	message = message_of(r, PASSES);
	if (message == NULL)
		return git_fail(g, ENOMEM, "out of memory");
	result =
	    repository_write_commit(g, tree, r->base, message, r->candidate);
	free(message);
	return result;
}

int
candidate_move(struct runner *r, const char *onto, int64_t now_ms)
{
	char conflicts[128], detail[ATTEMPT_DETAIL_SIZE], *message;
	char moved[GIT_HASH_SIZE];
	int result;

	if (strcmp(onto, r->onto) == 0)
		return 1;
	message = message_of(r, PASSES);
	if (message == NULL)
		return git_fail(&r->place.git, ENOMEM, "out of memory");
	result = repository_rebase(&r->place.git, r->candidate, onto, message,
	    moved, conflicts, sizeof(conflicts));
	free(message);
	if (result == 1) {
		(void)snprintf(r->candidate, sizeof(r->candidate), "%s", moved);
		(void)snprintf(r->onto, sizeof(r->onto), "%s", onto);
		r->is_rechecked = false;
	} else if (result == 0) {
		(void)snprintf(detail, sizeof(detail),
		    "it conflicts with what was merged meanwhile: %s",
		    conflicts);
		gate_conflict(r, detail);
		clash_tell(r, onto);
		keep_reason(r, detail, "Merging it failed");
		/* To be slower than another one is no failure. */
		close_begin(
		    r, OUTCOME_INTERRUPTED, !r->is_worked, detail, now_ms);
	}
	return result;
}

/* On the present tip, so that it need not be verified twice. */
static void
verify_on_tip(struct runner *r, int64_t now_ms)
{
	char tip[GIT_HASH_SIZE];
	int moved = 1;

	/* Where the tip can't be told now, that is for later. */
	if (r->is_changed && workplace_tip(&r->place, tip) == 0)
		moved = candidate_move(r, tip, now_ms);
	if (moved < 0)
		attempt_interrupt(r, r->place.git.error, now_ms);
	else if (moved > 0)
		verify_begin(r, PHASE_VERIFY, r->candidate, now_ms);
}

/* Without a change verify would say what it said before. */
static bool
is_hopeless(const struct runner *r)
{
	return !r->is_changed &&
	    !(r->work_cause == JOB_EXITED && r->verdict == PRESET_NOTHING) &&
	    r->work_cause != JOB_FINISHED;
}

/* Nothing is to be verified: because there is no verify, or no change. */
static void
conclude(struct runner *r, int64_t now_ms)
{
	bool done = r->work_cause == JOB_FINISHED ||
	    (r->work_cause == JOB_EXITED && r->work_code == 0 &&
		r->verdict == PRESET_NOTHING);
	char detail[ATTEMPT_DETAIL_SIZE];
	struct buf b;

	if (done && r->claim.verify[0] == '\0') {
		if (r->is_changed)
			recheck_begin(r, now_ms);
		else
			integrate_begin(r, now_ms);
		return;
	}
	buf_init(&b, detail, sizeof(detail));
	buf_addf(&b, "%sworker: %s%s%s",
	    r->is_changed ? "" : "no file was changed; ", r->work_text,
	    r->output.error[0] != '\0' ? ": " : "", r->output.error);
	close_begin(r, attempt_blame(r), false, detail, now_ms);
}

/* What others have locked isn't to be changed, whatever the worker's own git
 * let pass. Where that can't be told now, it is before it is merged. */
static bool
is_locked(struct runner *r, struct changes *c, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];
	int n;

	if (agent_database(&r->agent) < 0)
		return false;
	n = waits_ask(r, &c->paths, detail);
	if (n < 0)
		agent_failed(&r->agent, "reading locks");
	if (n <= 0)
		return false;
	gate_conflict(r, detail);
	/* Meanwhile it would only fail again. */
	waits_add(r, texts_take(&c->paths));
	refuse(r, detail, now_ms);
	return true;
}

static void
add_path(const struct repository_change *change, void *argument)
{
	(void)texts_add(argument, change->path);
}

int
candidate_is_locked(
    struct runner *r, char ret_detail[static ATTEMPT_DETAIL_SIZE])
{
	struct git *g = &r->place.git;
	struct texts paths = { 0 };
	int n = repository_changes(g, r->onto, r->candidate, add_path, &paths);

	if (n >= 0 && paths.failed)
		n = git_fail(g, ENOMEM, "out of memory");
	if (n >= 0)
		n = waits_ask(r, &paths, ret_detail);
	if (n <= 0) {
		texts_free(paths.items);
		return n;
	}
	waits_add(r, paths.items);
	gate_conflict(r, ret_detail);
	return n;
}

/* A candidate that is resumed was asked that before it was verified. */
static bool
is_refused(struct runner *r, const struct changes *c, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];
	int found = r->is_changed ? refusal_find(r, c, detail) : 0;

	if (found < 0)
		attempt_interrupt(r, r->place.git.error, now_ms);
	else if (found > 0)
		refuse(r, detail, now_ms);
	return found != 0;
}

static void
judge(struct runner *r, struct changes *c, int64_t now_ms)
{
	if (c->ngamed > 0) {
		close_gamed(r, c, now_ms);
		return;
	}
	for (size_t i = 0; i < c->added_tests.n; i++)
		transcript_note(r->transcript_fd,
		    "left out, as it would be a file of tests: %s",
		    c->added_tests.items[i]);
	if (is_locked(r, c, now_ms))
		return;
	if (build(r, c) < 0) {
		attempt_interrupt(r, r->place.git.error, now_ms);
		return;
	}
	if (is_refused(r, c, now_ms))
		return;
	if (is_hopeless(r) || r->claim.verify[0] == '\0')
		conclude(r, now_ms);
	else
		verify_on_tip(r, now_ms);
}

void
candidate_make(struct runner *r, int64_t now_ms)
{
	struct changes c;

	if (candidate_save(r) < 0) {
		/* The marker stays: it is tried again before the next claim. */
		attempt_interrupt(r, r->place.git.error, now_ms);
		return;
	}
	if (changes_read(&c, r) < 0) {
		attempt_interrupt(r, r->place.git.error, now_ms);
		return;
	}
	judge(r, &c, now_ms);
	changes_free(&c);
}

/* What it waits for may still be locked. Then it isn't verified for nothing,
 * but closed as it was, for the next attempt. Where that can't be told now, it
 * is before it is merged. */
static bool
still_waits(struct runner *r, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];

	if (candidate_is_locked(r, detail) <= 0)
		return false;
	runner_enter(r, PHASE_INTEGRATE);
	attempt_interrupt(r, detail, now_ms);
	return true;
}

bool
candidate_resume(struct runner *r, int64_t now_ms)
{
	const struct claim *c = &r->claim;
	char conflicts[128], *message, tree[GIT_HASH_SIZE];
	char onto_tree[GIT_HASH_SIZE];
	int moved;

	if (c->last_result_commit[0] == '\0' || c->verify[0] == '\0' ||
	    strcmp(c->last_outcome, "interrupted") != 0)
		return false;
	message = message_of(r, PASSES);
	if (message == NULL)
		return false;
	moved = repository_rebase(&r->place.git, c->last_result_commit, r->base,
	    message, r->candidate, conflicts, sizeof(conflicts));
	free(message);
	if (moved != 1 ||
	    repository_tree(&r->place.git, r->candidate, tree) < 0 ||
	    repository_tree(&r->place.git, r->base, onto_tree) < 0 ||
	    strcmp(tree, onto_tree) == 0) {
		r->candidate[0] = '\0';
		return false;
	}
	(void)snprintf(r->onto, sizeof(r->onto), "%s", r->base);
	if (c->session.base_commit[0] != '\0')
		(void)snprintf(
		    r->seen, sizeof(r->seen), "%s", c->session.base_commit);
	r->is_changed = true;
	transcript_note(r->transcript_fd,
	    "goes on with %.12s, which an earlier attempt had made",
	    c->last_result_commit);
	if (changes_note(r) < 0)
		attempt_interrupt(r, r->place.git.error, now_ms);
	else if (!still_waits(r, now_ms))
		verify_begin(r, PHASE_VERIFY, r->candidate, now_ms);
	return true;
}
