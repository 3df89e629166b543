/*
 * One row of table attempts is one run of a worker for one test. It is
 * written in the order intent, effect, outcome: claimed (claims.h) before
 * anything is started, ended here in one transaction with everything that
 * follows from its outcome. Every write is conditional on the attempt's id,
 * epoch and fence: an old attempt changes nothing.
 */
#ifndef LOOPKEEPER_STORE_ATTEMPTS_H
#define LOOPKEEPER_STORE_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "base/uuid.h"
#include "store/store.h"

#define ATTEMPT_TEST_SIZE	 128
#define ATTEMPT_DETAIL_SIZE	 256
#define ATTEMPT_SESSION_SIZE	 128
#define ATTEMPT_COMMIT_SIZE	 65 /* SHA-256 in hex and the NUL */
#define ATTEMPT_REF_SIZE	 128
#define ATTEMPT_FILES_SIZE	 4096
#define ATTEMPT_FINGERPRINT_SIZE 17

/* A worker that keeps being killed from outside is not tried for ever, nor
 * one that keeps running out of money or asking questions. */
#define ATTEMPT_INTERRUPTIONS_MAX 10
#define ATTEMPT_FUTILE_MAX	  3 /* in a row */

/* Of tokens and money: nobody said. Is never taken for 0. */
#define ATTEMPT_UNKNOWN (-1)

enum attempt_state {
	ATTEMPT_CLAIMED,
	ATTEMPT_SPAWNING,
	ATTEMPT_RUNNING,
	ATTEMPT_VERIFYING,
	ATTEMPT_INTEGRATING,
	ATTEMPT_DONE,	/* ended: passed */
	ATTEMPT_FAILED, /* ended: by itself or by somebody unknown */
	ATTEMPT_PARKED, /* ended: set aside by us or an operator, not counted */
};

enum attempt_outcome {
	OUTCOME_PASSED,
	OUTCOME_FAILED,	      /* verify says no */
	OUTCOME_CRASHED,      /* the worker died of a signal of its own */
	OUTCOME_SILENT,	      /* no sign of life for silence_limit */
	OUTCOME_TIMEOUT,      /* time_limit */
	OUTCOME_INTERRUPTED,  /* pause, stop, skip, death of the loop, or a
				 worker killed from outside */
	OUTCOME_LOST_LEASE,   /* the test was taken from under it */
	OUTCOME_BUDGET,	      /* money or tokens were spent */
	OUTCOME_RATE_LIMITED, /* by its provider */
	OUTCOME_AUTH,	      /* its provider wants a login */
	OUTCOME_WAITING_FOR_INPUT,
	OUTCOME_GAMED, /* it changed the tests */
};
#define ATTEMPT_OUTCOMES 12

/* What every write of an attempt is conditional on. */
struct attempt_key {
	char id[UUID_SIZE];
	char epoch[UUID_SIZE];
	int64_t fence;
	char test_id[ATTEMPT_TEST_SIZE];
	char loop_id[TEXT_NAME_MAX + 1];
	int attempt; /* 1 for the first that counts, for people */
};

struct attempt_end {
	enum attempt_outcome outcome;
	bool parked;   /* counts against nobody: our own interruption, or passed
			  without a worker */
	bool draining; /* its loop was told to pause after it */
	char detail[ATTEMPT_DETAIL_SIZE]; /* one line: "verify: exit 2" */
	char leftovers[512];		  /* processes its worker left, or "" */
	int64_t duration_ms;
	int max_attempts;	/* for a test that has none of its own */
	int64_t retry_delay_ms; /* of its back-off (retry.h); 0: none */
	int64_t tokens;		/* or ATTEMPT_UNKNOWN; 0 without a worker */
	int64_t cost_micros;	/* millionths of a USD, or ATTEMPT_UNKNOWN */
	/* UTF-8. "" where there is none; what the row has then stays, but for
	 * the planned snapshot_ref of an attempt that came to no worker. */
	char session_id[ATTEMPT_SESSION_SIZE];
	char provider[TEXT_NAME_MAX + 1];
	char base_commit[ATTEMPT_COMMIT_SIZE];
	char result_commit[ATTEMPT_COMMIT_SIZE];
	char snapshot_ref[ATTEMPT_REF_SIZE];
	/* By which the same failure is known again. */
	char fingerprint[ATTEMPT_FINGERPRINT_SIZE];
	char
	    broken_test[ATTEMPT_TEST_SIZE]; /* passed without it; "" for none */
	/* JSON: an array of paths, or their number where they are too many;
	 * "" for unknown. */
	char files_modified[ATTEMPT_FILES_SIZE];
};

/* What attempts_end() made of the test. */
enum attempt_result {
	RESULT_PASSED,
	RESULT_RETRY,	 /* pending again */
	RESULT_BLOCKED,	 /* out of attempts, or futile too often */
	RESULT_NOTHING,	 /* ended by somebody else: nothing was written */
	RESULT_REPLACED, /* another database lies there now */
};

/* Of a row of attempts, with ?1 id, ?2 epoch and ?3 fence: it is still open;
 * and its test is still in progress, so that it may write. Inside store/. */
#define ATTEMPT_IS_OPEN \
	"id = ?1 AND epoch = ?2 AND fence = ?3 AND ended_at IS NULL"
#define ATTEMPT_IS_HELD                      \
	ATTEMPT_IS_OPEN                      \
	" AND EXISTS (SELECT 1 FROM tests t" \
	" WHERE t.id = attempts.test_id AND t.status = 'in_progress')"

/* Inside store/, of a test's id: it isn't longer than we can keep, as one of
 * another program may be. Nothing is done for such a test: it wouldn't be found
 * again by what is kept of it. That is told (misfits.h). */
#define ATTEMPT_TEST_FITS(id) "length(CAST(" id " AS BLOB)) < 128"

/* Inside store/, of a row t of tests: how many attempts have failed. What is in
 * progress without an attempt of ours is another program's, which has counted
 * when it began. */
#define ATTEMPT_FAILURES                                         \
	"(t.attempts - (t.status = 'in_progress' AND NOT EXISTS" \
	" (SELECT 1 FROM attempts o WHERE o.test_id = t.id"      \
	" AND o.ended_at IS NULL)))"

/* Inside store/, for whoever ends attempts that aren't his: their row of usage,
 * before they are ended. A condition on attempts follows. */
#define ATTEMPT_ADD_USAGE                                                     \
	"INSERT INTO usage (id, loop_id, test_id, attempt_id,"                \
	" tokens_estimated, cost_usd, duration_seconds, recorded_at)"         \
	" SELECT " NOTE_ROW_ID("usage",                                       \
	    NOTE_NEW_ID) ", loop_id, test_id, id,"                            \
			 " tokens, cost_usd,"                                 \
			 " round((julianday('now') - julianday(started_at)) " \
			 "* 86400, 3),"                                       \
			 " " NOTE_NOW " FROM attempts WHERE ended_at IS NULL" \
			 " AND (pid IS NOT NULL OR cost_usd IS NOT NULL) AND "

const char *attempt_state_name(enum attempt_state state);
const char *attempt_outcome_name(enum attempt_outcome outcome);

/* Reads a name. Returns false for none of them; *ret is then untouched. */
bool attempt_outcome_parse(const char *name, enum attempt_outcome *ret);

/* Whether the outcome uses up an attempt of its test. */
bool attempt_outcome_counts(enum attempt_outcome outcome);

/* Whether the outcome says that the next attempt will end like that, too, if
 * nobody helps. */
bool attempt_outcome_is_futile(enum attempt_outcome outcome);

/*
 * The attempt enters state. pid (0: none) with pid_start (field 22 of
 * /proc/PID/stat) and transcript (or NULL) are kept where given. Returns 1, 0
 * when the attempt is not ours any more, -1 with errno of store.h.
 */
int attempts_enter(struct store *s, const struct attempt_key *key,
    enum attempt_state state, pid_t pid, uint64_t pid_start,
    const char *transcript);

/*
 * Its worker is to be ended, for that reason: its loop notices within seconds,
 * and the attempt ends as silent. by names who says so. Returns 1, 0 when it
 * has no worker running, or that was said already, or -1 with errno of
 * store.h.
 */
int attempts_stop(struct store *s, const char *attempt_id, const char *by,
    const char *reason);

/* How often by has said so since that stored time, or -1. */
int attempts_stopped(struct store *s, const char *by, const char *since);

/* Whether it was said of this attempt: 1 with the reason, 0, or -1. */
int attempts_stop_reason(
    struct store *s, const struct attempt_key *key, char *ret, size_t size);

/*
 * What the attempt has cost so far, while it runs: tokens and millionths of a
 * USD (ATTEMPT_UNKNOWN each leaves what is there), and the session that its
 * worker works in (or NULL). Returns as attempts_enter().
 */
int attempts_spent(struct store *s, const struct attempt_key *key,
    int64_t tokens, int64_t cost_micros, const char *session_id);

/*
 * The closing transaction: attempt, test, locks, usage and events at once.
 * Safe to repeat. Of an attempt that somebody else ended only the cost is
 * still written, to its row of usage. Returns 0 with *ret_result, or -1 with
 * errno of store.h; then nothing was written.
 */
int attempts_end(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, enum attempt_result *ret_result);

/*
 * The same with an effect that belongs to it: it is called when all is written
 * but not yet committed, and only if the attempt is still held. When it returns
 * -1 nothing is written, and its errno is that of the call. It must not use the
 * store.
 */
int attempts_end_with(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, int (*effect)(void *argument),
    void *argument, enum attempt_result *ret_result);

/* The same inside a transaction that the caller begins and ends. Returns 0 or
 * -1. */
int attempts_end_within(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end);

/* What an attempt will work on. Texts are kept as they are; provider and
 * snapshot_ref may be "". */
struct attempt_plan {
	const char *base_commit;
	const char *repository;
	const char *integration_branch;
	const char *snapshot_ref;
	const char *provider;
	bool second_worker; /* by the loop's second one */
};

/* Notes it, with a checkpoint of the branch before the attempt. Returns as
 * attempts_enter(). */
int attempts_plan(struct store *s, const struct attempt_key *key,
    const struct attempt_plan *plan);

/* The worker that is about to be started, its output in transcript: the intent,
 * command in JSON. The attempt enters spawning. Returns as attempts_enter(). */
int attempts_spawn(struct store *s, const struct attempt_key *key,
    const char *transcript, const char *command);

/* The commit that is about to be merged: the intent, by which is told later
 * whether it was. The attempt enters integrating. Returns as
 * attempts_enter(). */
int attempts_integrate(
    struct store *s, const struct attempt_key *key, const char *commit);

#endif
