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
#include "agents/loop/waits.h"
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
#define RECHECK_TIMES 2 /* the last two steps, each */

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
	char *failure; /* owned: evidence for the worker; NULL: none */
	char fingerprint[ATTEMPT_FINGERPRINT_SIZE]; /* of how it failed; "" */
	char broken[ATTEMPT_TEST_SIZE]; /* the test that it breaks; "" */
	char *changed_json; /* owned: the paths it changed; NULL: unknown */
	int64_t claimed_ms;
	int64_t claimed_wall_ms;
	int64_t renew_ms; /* the lease is due */
	int64_t spent_ms; /* what it has cost is due */
	bool slow_told;	  /* that it takes long */
	bool silent_told; /* that it is half way to its end for silence */
	bool budget_told; /* that most of its budget is spent */

	char base[GIT_HASH_SIZE];      /* the tip when it was claimed */
	char snapshot[GIT_HASH_SIZE];  /* "": no work of a worker yet */
	char candidate[GIT_HASH_SIZE]; /* "": none yet; a child of onto */
	char onto[GIT_HASH_SIZE];
	/* The worker, or a recheck, has met what was merged up to here. */
	char seen[GIT_HASH_SIZE];
	bool is_changed;       /* the candidate is another tree than onto */
	bool is_worked;	       /* a worker ran in this attempt */
	bool is_second;	       /* by the loop's second worker */
	bool goes_on;	       /* with the session of an earlier one */
	bool takes_up;	       /* what an earlier one had done */
	bool is_merged;	       /* the branch has the candidate already */
	int merge_fd;	       /* the lock, from the first merge on; -1 */
	enum phase then_phase; /* what follows resetup, and on which commit */
	char then_commit[GIT_HASH_SIZE];
	char setup_text[160]; /* how it failed on the candidate; "": not asked
				 whether it does without it */
	struct passing_list rechecks;
	size_t nrechecked;
	enum recheck_step recheck_step;
	int recheck_times; /* so often was it run in this step */
	bool is_rechecked; /* the candidate, as it is now */

	struct outcome outcome; /* in write, and in integrate */
	bool saved;		/* it lies in outcome_path */

	/* In idle. */
	char begun_epoch[UUID_SIZE];	    /* of the database that knows us */
	char hold[384];			    /* for whom it waits; "": nobody */
	char conflict[ATTEMPT_DETAIL_SIZE]; /* met in mode conservative; "" */
	char trouble[GIT_ERROR_SIZE]; /* why nothing is claimed; "": may be */
	char trouble_cause[128];      /* of its alert */
	int64_t trouble_delay_ms;     /* doubles while it lasts */
	bool only_fixes;      /* nothing but what has a regression is claimed */
	bool is_swept;	      /* alerts of an earlier run were */
	bool are_gates_swept; /* those that the gate raises */
	const char *probe;    /* the closed provider that it may try; NULL */
	struct claim_cursor cursor;
	struct waits waits;   /* tests that aren't claimed now */
	bool look;	      /* there may be something to claim */
	bool told_empty;      /* since the last claim */
	bool blocked_by_file; /* the next test's files are locked */
	int64_t retry_ms;     /* when a test's back-off ends; 0: none */
	char retry_text[ATTEMPT_TEST_SIZE + 48]; /* that, for people */
	char waiting[128]; /* what its tests wait for: "DEC-001"; "" */
	int64_t version;   /* of the database at the last look */
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

/* All loops that merge into the same branch, as a JSON array of their names. To
 * be freed; NULL when there is no memory. */
char *runner_list_loops(const struct runner *r);

#endif
