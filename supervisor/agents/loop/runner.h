/*
 * One coding loop: what it is at, and everything it holds. It goes through
 *
 *   idle -> check -> work -> verify -> write -> idle
 *
 * one test at a time: claimed in idle (idle.c), run in check, work and verify
 * (attempt.c), its outcome written in write. One job at most runs at any time;
 * the next phase begins when its tree is proven empty. `setup` comes once
 * before the first claim.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_RUNNER_H
#define LOOPKEEPER_AGENTS_LOOP_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/common/agent.h"
#include "agents/common/outcome.h"
#include "agents/loop/job.h"
#include "agents/loop/worker.h"
#include "base/path.h"
#include "store/claims.h"
#include "system/process.h"

enum phase {
	PHASE_IDLE,   /* no claim, no job */
	PHASE_SETUP,  /* no claim; the setup command runs */
	PHASE_CHECK,  /* claimed; verify runs on what is there already */
	PHASE_WORK,   /* claimed; the worker runs */
	PHASE_VERIFY, /* claimed; verify runs on what the worker did */
	PHASE_WRITE,  /* nothing runs; the outcome isn't written yet */
};

struct runner {
	struct agent agent;
	const struct loop_config *config;
	char boot_id[PROCESS_BOOT_ID_SIZE];
	char specs[PATH_SIZE];	      /* DIRECTORY/specs */
	char health_path[PATH_SIZE];  /* specs/health.json */
	char outcome_path[PATH_SIZE]; /* STATE/spool/NAME.outcome */
	int lock_fd; /* specs/lock: there is one process of a loop */

	enum phase phase; /* written by runner_enter() only */
	struct job job;
	int transcript_fd; /* of the job; -1 in idle and write */

	/* From check to write. */
	struct claim claim;
	struct worker worker;
	char transcript[PATH_SIZE];
	bool lost;		   /* the test was taken away */
	enum job_cause work_cause; /* how the worker ended */
	int work_code;
	char work_text[128];
	char leftovers[JOB_LEFTOVERS_SIZE]; /* what it left */
	int64_t claimed_ms;
	int64_t claimed_wall_ms;
	int64_t renew_ms;	/* the lease is due */
	struct outcome outcome; /* in write */
	bool saved;		/* it lies in outcome_path */

	/* In idle. */
	char begun_epoch[UUID_SIZE]; /* of the database that knows us */
	bool set_up;
	bool failed;	      /* setup did: end with exit 1 */
	bool look;	      /* there may be something to claim */
	bool told_empty;      /* since the last claim */
	bool blocked_by_file; /* the next test's files are locked */
	int64_t version;      /* of the database at the last look */
	int64_t not_before_ms;

	bool counted; /* ever: counts are known */
	struct claim_counts counts;
	int64_t health_ms; /* health.json is due */
};

/* Opens everything. Returns 0, or an exit code after an error on stderr. */
int runner_open(struct runner *r, int argc, char **argv);
void runner_close(struct runner *r);

/* Works until it is told to stop. Returns an exit code. */
int runner_run(struct runner *r);

void runner_enter(struct runner *r, enum phase phase);

/* Whether a test is claimed. */
bool runner_has_claim(const struct runner *r);

/* health.c: tells the world, when it is due or, with `now`, at once. The file
 * is replaced atomically. */
void health_publish(struct runner *r, bool now);
void health_stopped(const struct runner *r);

/* idle.c: the way to a claim, or to the end. */
void idle_step(struct runner *r, int64_t now_ms);
/* The setup command has ended. */
void idle_set_up(struct runner *r);

/* attempt.c: a test has been claimed. */
void attempt_begin(struct runner *r, int64_t now_ms);
/* The claim is looked after while a job runs. */
void attempt_watch(struct runner *r, int64_t now_ms);
/* The job of the present phase is over. */
void attempt_next(struct runner *r, int64_t now_ms);

/* close.c: the outcome is known; nothing of the attempt runs any more. */
void close_begin(struct runner *r, enum attempt_outcome outcome, bool parked,
    const char *detail, int64_t now_ms);
void close_step(struct runner *r, int64_t now_ms);

/* transcript.c: the file that an attempt's commands write to. Returns its
 * descriptor or -1 with errno; lines of ours begin with "# ". */
int transcript_open(struct runner *r);
void transcript_note(int fd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
