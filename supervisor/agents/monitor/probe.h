/*
 * One run of a passed test's verify, on some commit, in the worktree of its
 * branch, made clean; setup comes before it where it is due.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_PROBE_H
#define LOOPKEEPER_AGENTS_MONITOR_PROBE_H

#include "agents/common/job.h"
#include "agents/monitor/branch.h"
#include "store/passing.h"

enum probe_state {
	PROBE_RUNNING,
	PROBE_PASSED,
	PROBE_FAILED,
	PROBE_IMPOSSIBLE, /* why is in error, and the log of the run */
};

struct probe {
	/* Set by the caller, and his. */
	struct branch *branch;
	const struct conf *conf;
	const struct passing_test *test;
	int output_fd; /* the transcript */

	char commit[GIT_HASH_SIZE];
	struct job job;
	bool is_setup; /* the job is setup */
	char error[GIT_ERROR_SIZE];
};

/* Starts it. Returns 0, or -1 with a text in error, and errno: EAGAIN,
 * ECANCELED: try again soon. */
int probe_start(struct probe *p, const char *commit);

/* To be called as job_poll(). What isn't RUNNING is told once. */
enum probe_state probe_poll(struct probe *p, int64_t now_ms);

#endif
