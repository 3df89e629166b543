/*
 * One coding loop: what it is at, and everything it holds. It goes through
 *
 *   idle -> [setup] -> check -> work -> verify -> recheck -> integrate -> idle
 *
 * one test at a time: claimed in idle (idle.c) when its worktrees are ready
 * (ready.c); check asks whether the test passes already, work is the worker's
 * (attempt.c); what it did becomes a commit on the integration branch's tip
 * (candidate.c), is verified in a checkout of its own (verify.c), beside tests
 * that passed before (recheck.c), and merged (integrate.c). From each phase an
 * outcome may lead to write (close.c). One job at most runs at any time; the
 * next phase begins when its tree is proven empty.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_RUNNER_H
#define LOOPKEEPER_AGENTS_LOOP_RUNNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agents/common/agent.h"
#include "agents/common/job.h"
#include "agents/common/outcome.h"
#include "agents/loop/hooks.h"
#include "agents/loop/output.h"
#include "agents/loop/worker.h"
#include "agents/loop/workplace.h"
#include "base/path.h"
#include "store/claims.h"
#include "store/passing.h"
#include "system/process.h"

enum phase {
	PHASE_IDLE,	 /* no claim, no job */
	PHASE_SETUP,	 /* no claim; setup runs in one of the trees */
	PHASE_CHECK,	 /* claimed; verify runs on the base */
	PHASE_WORK,	 /* claimed; the worker runs */
	PHASE_RESETUP,	 /* claimed; setup runs for the candidate */
	PHASE_VERIFY,	 /* claimed; verify runs on the candidate */
	PHASE_RECHECK,	 /* claimed; a test that passed before runs again */
	PHASE_INTEGRATE, /* claimed, verified; waits for its turn to merge */
	PHASE_WRITE,	 /* nothing runs; the outcome isn't written yet */
};

enum recheck_step {
	RECHECK_CANDIDATE, /* does it still pass? */
	RECHECK_BASE,	   /* no: did it without the candidate? */
	RECHECK_AGAIN,	   /* yes: is it no chance? */
};

struct runner {
	struct agent agent;
	const struct loop_config *config;
	const char *only_test; /* the one test to be tried; NULL: all */
	char boot_id[PROCESS_BOOT_ID_SIZE];
	char specs[PATH_SIZE];	      /* DIRECTORY/specs */
	char health_path[PATH_SIZE];  /* specs/health.json */
	char marker_path[PATH_SIZE];  /* specs/attempt */
	char outcome_path[PATH_SIZE]; /* STATE/spool/NAME.outcome */
	int lock_fd; /* there is one process of a loop (alive.h) */
	struct workplace place;
	char program[PATH_SIZE]; /* `loopkeeper`, for the hooks */
	struct hooks hooks;
	char hooked[PATH_SIZE]; /* the worktree that was told of them */

	enum phase phase; /* written by runner_enter() only */
	struct job job;
	int transcript_fd;		/* of the job; -1 in idle and write */
	off_t job_offset;		/* where its output begins in there */
	off_t shown;			/* so much of it was shown */
	enum workplace_tree setup_tree; /* in setup and resetup */

	/* From check to write. */
	struct claim claim;
	struct worker worker;
	char transcript[PATH_SIZE];
	bool lost;		   /* the test was taken away */
	enum job_cause work_cause; /* how the worker ended */
	int work_code;
	char work_text[192];
	char leftovers[JOB_LEFTOVERS_SIZE]; /* what it left */
	struct output output;		    /* what it says of itself */
	enum preset_verdict verdict;	    /* in sum */
	char *failure;	    /* owned: evidence for the worker; NULL: none */
	char *changed_json; /* owned: the paths it changed; NULL: unknown */
	int64_t claimed_ms;
	int64_t claimed_wall_ms;
	int64_t renew_ms; /* the lease is due */
	int64_t spent_ms; /* what it has cost is due */
	bool slow_told;	  /* that it takes long */
	bool budget_told; /* that most of its budget is spent */

	char base[GIT_HASH_SIZE];      /* the tip when it was claimed */
	char snapshot[GIT_HASH_SIZE];  /* "": no work of a worker yet */
	char candidate[GIT_HASH_SIZE]; /* "": none yet; a child of onto */
	char onto[GIT_HASH_SIZE];
	bool is_changed;       /* the candidate is another tree than onto */
	bool is_worked;	       /* a worker ran in this attempt */
	bool goes_on;	       /* with the session of an earlier one */
	bool is_merged;	       /* the branch has the candidate already */
	int merge_fd;	       /* the lock, from the first merge on; -1 */
	enum phase then_phase; /* what follows resetup, and on which commit */
	char then_commit[GIT_HASH_SIZE];
	struct passing_list rechecks;
	size_t nrechecked;
	enum recheck_step recheck_step;
	bool is_rechecked; /* the candidate's tree, at its first base */

	struct outcome outcome; /* in write, and in integrate */
	bool saved;		/* it lies in outcome_path */

	/* In idle. */
	char begun_epoch[UUID_SIZE];  /* of the database that knows us */
	char hold[384];		      /* for whom it waits; "": nobody */
	char trouble[GIT_ERROR_SIZE]; /* why nothing is claimed; "": may be */
	char trouble_cause[128];      /* of its alert */
	int64_t trouble_delay_ms;     /* doubles while it lasts */
	bool is_swept;		      /* alerts of an earlier run were */
	bool is_probe;		      /* let in to try a closed provider */
	bool look;		      /* there may be something to claim */
	bool told_empty;	      /* since the last claim */
	bool blocked_by_file;	      /* the next test's files are locked */
	int64_t version;	      /* of the database at the last look */
	int64_t not_before_ms;
	bool failed;   /* the one test that was to be tried didn't pass */
	bool finished; /* it was tried */

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

/* ready.c: both trees at the integration branch's tip, what is there being
 * safe. Returns whether all is ready; else a job was started, or trouble was
 * noted. */
bool ready_make(struct runner *r, int64_t now_ms);
/* The setup command before a claim has ended. */
void ready_set_up(struct runner *r, int64_t now_ms);

/* trouble.c: why nothing can be claimed for now: one alert per cause, told
 * once, gone when the next claim succeeds. cause is a word. */
void trouble_note(struct runner *r, int64_t now_ms, const char *cause,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void trouble_clear(struct runner *r);

/* attempt.c: a test has been claimed. */
void attempt_begin(struct runner *r, int64_t now_ms);
/* The claim is looked after while a job runs, or while it waits. */
void attempt_watch(struct runner *r, int64_t now_ms);
/* The job of the present phase is over. */
void attempt_next(struct runner *r, int64_t now_ms);
/* Closes it because it was told to stop or has lost its test. */
void attempt_give_up(struct runner *r, int64_t now_ms);
/* Something that is nobody's fault, with errno's or git's words. */
void attempt_interrupt(struct runner *r, const char *what, int64_t now_ms);
/* What was done is no good: an attempt is used up if a worker did it. */
void attempt_fail(struct runner *r, const char *detail, int64_t now_ms);
/* What an earlier attempt had done is no good any more: from the start. */
void attempt_restart(struct runner *r, int64_t now_ms);
/* The outcome of a worker that didn't reach its aim. */
enum attempt_outcome attempt_blame(const struct runner *r);

/* candidate.c: the worker's tree is empty: snapshot, judgement, candidate,
 * verify. */
void candidate_make(struct runner *r, int64_t now_ms);
/* The snapshot alone, where the attempt ends before that. Returns 0, or -1
 * with git's error: then the work stays where it is. */
int candidate_save(struct runner *r);
/* An earlier attempt of the test was verified, but not merged: goes on with
 * it. Returns false where that is of no use. */
bool candidate_resume(struct runner *r, int64_t now_ms);
/* Puts the candidate on another commit. Returns 1, 0 when the attempt was
 * closed because it doesn't apply there, -1 with git's error. */
int candidate_move(struct runner *r, const char *onto, int64_t now_ms);

/* verify.c: begins check, verify or recheck in its checkout, made clean, at
 * commit; setup comes before where it depends on what differs. */
void verify_begin(
    struct runner *r, enum phase phase, const char *commit, int64_t now_ms);
/* Its setup has ended. */
void verify_set_up(struct runner *r, int64_t now_ms);
/* Runs one command there. Returns false when the attempt had to be closed. */
bool verify_run(struct runner *r, enum phase phase, const char *command,
    const char *what, int64_t now_ms);
/* How the present job's verify ended: "verify: exit 1". */
void verify_describe(const struct runner *r, char *buf, size_t size);
bool verify_passed(const struct runner *r);
/* It has ended. */
void verify_next(struct runner *r, int64_t now_ms);

/* recheck.c: the candidate passes its test; others that passed before. */
void recheck_begin(struct runner *r, int64_t now_ms);
/* The checkout is ready for the step. */
void recheck_run(struct runner *r, int64_t now_ms);
void recheck_next(struct runner *r, int64_t now_ms);

/* integrate.c: verified; merged when its turn comes. */
void integrate_begin(struct runner *r, int64_t now_ms);
void integrate_step(struct runner *r, int64_t now_ms);

/* gate.c: whether anything may be claimed now: room, budget, provider. */
bool gate_ask(struct runner *r, int64_t now_ms);
/* It wasn't allowed, but somebody has changed the database since: a gate may
 * have been opened, or a budget raised. */
bool gate_may_be_open(struct runner *r);
/* Whether the day's budget is spent, this attempt's cost being written. */
bool gate_is_day_spent(struct runner *r);
/* How the worker fared with its provider. */
void gate_answer(struct runner *r);
/* It was let in to try a closed provider, and had nothing to try it with. */
void gate_leave(struct runner *r);

/* spend.c: what the worker says of itself while it runs: tokens, money, its
 * end; and its time. */
void spend_watch(struct runner *r, int64_t now_ms);
void spend_end(struct runner *r, int64_t now_ms);

/* close.c: the outcome is known; nothing of the attempt runs any more. */
void close_begin(struct runner *r, enum attempt_outcome outcome, bool parked,
    const char *detail, int64_t now_ms);
void close_step(struct runner *r, int64_t now_ms);
/* The parts that merging needs, too. */
void close_fill(struct runner *r, enum attempt_outcome outcome, bool parked,
    const char *detail, int64_t now_ms);
void close_tell(struct runner *r, enum attempt_result result);
void close_release(struct runner *r, int64_t now_ms);
void close_save(struct runner *r);
/* What close_save() kept isn't true any more. */
void close_forget(struct runner *r);

/* transcript.c: the file that an attempt's commands write to. Returns its
 * descriptor or -1 with errno; lines of ours begin with "# ". */
int transcript_open(struct runner *r);
void transcript_note(int fd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A path beside the transcript: its own with another end (".failure"). */
int transcript_beside(
    const char *transcript, const char *end, char ret[static PATH_SIZE]);

/* show.c: what the one test's attempt is given and says, on stdout; nothing
 * where all tests are worked through. */
void show_prompt(const struct runner *r);
void show_more(struct runner *r);
void show_diff(struct runner *r);

/* evidence.c: the end of what the job wrote, kept beside the transcript for
 * the next attempt, and as r->failure for this one. */
void evidence_keep(struct runner *r, const char *title);
/* That of the attempt before. */
void evidence_recall(struct runner *r);

#endif
