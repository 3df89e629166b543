/*
 * The queue of tests: who may work on which. A claim is made in one
 * transaction (test, attempt with lease, fence and epoch, locks on the test's
 * files), renewed while the work goes on, and ended by attempts_end(). The
 * commands `skip` and `reset` take a test away from its holder here, too.
 */
#ifndef LOOPKEEPER_STORE_CLAIMS_H
#define LOOPKEEPER_STORE_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/attempts.h"
#include "store/recovery.h"
#include "store/store.h"

/* A claim is good for so long without being renewed. */
#define CLAIM_LEASE_MS (90 * 1000)

/* The session of a test's last attempt that ran a worker: one that had no
 * occasion to doesn't hide it. Texts are owned; "" for none. */
struct claim_session {
	char *id;
	char *provider;
	char *loop_id;
	char *outcome; /* how that attempt ended */
	bool second;   /* by the loop's second worker */
	bool draining; /* when its loop was told to pause after it */
	char *transcript;
	char *base_commit;  /* what it began with */
	char *snapshot_ref; /* what it left */
	int take_up;	    /* that: enum conflict_take_up */
};

struct claim {
	struct attempt_key key;
	int max_attempts;
	char *verify;	   /* for sh -c; "" for none. All texts are owned */
	char *worker;	   /* for sh -c in place of the loop's; "" for none */
	char *spec;	   /* spec_content, or "" */
	char *last_result; /* of the attempt before, or "" */
	char *evidence;	   /* why what had passed is to be done again, or "" */
	char *files;	   /* patterns that it may change: JSON, or "" */
	char *test_files;  /* patterns that it may not: JSON, or "" */
	bool allow_test_changes;
	int nlocks; /* locks that were taken on its files */

	/* Of the test's last attempt that has ended; "" for none. */
	char *last_outcome;
	char *last_transcript;
	char *last_result_commit;
	bool in_vain;	  /* two attempts in a row failed alike */
	bool in_vain_now; /* the last two did */
	bool by_second;	  /* it was decided that the second worker tries */
	struct claim_session session;
};

/* Where a loop looks on for a test when those at the head of its queue are
 * locked. Zeroed at first, then kept from look to look. */
struct claim_cursor {
	int64_t place; /* as the queue is ordered */
	char test_id[ATTEMPT_TEST_SIZE];
};

struct claim_request {
	const char *loop_id;
	const char *boot_id; /* of this boot, or NULL */
	int max_attempts;    /* for tests that don't say */
	bool no_overlap;     /* mode slow: none whose files another's overlap */
	bool no_passing;     /* mode conservative: none behind one that is
				locked */
	const char *test_id; /* only this test, whosever it is; NULL: the
				loop's next */
	bool by_hand;	     /* in that one's back-off, too */
	const char *const *except; /* NULL-ended: tests that are passed by as if
				      they were locked; NULL: none */
	bool only_fixes;	   /* only tests that have an open regression */
	struct claim_cursor *cursor; /* NULL: looks on behind the head */
};

struct claim_counts { /* of the tests of one loop */
	int64_t passed;
	int64_t failed; /* failed or blocked */
	int64_t pending;
	int64_t in_progress;
	int64_t skipped;
};

/*
 * Claims the loop's next test: pending, dependency passed, automatable, not in
 * its back-off (retry.h), no file of
 * it locked. Returns 1 with *ret to be freed by claims_free(), 0 when there is
 * none, -1 with errno of store.h. *ret_locked (may be NULL) tells whether there
 * would be one but for locks or overlaps. It takes no longer for a long queue:
 * of tests that are locked it passes some hundred at the head, and as many from
 * the cursor on, but doesn't go through all of them while others want to write.
 */
int claims_take(struct store *s, const struct claim_request *request,
    struct claim *ret, bool *ret_locked);
void claims_free(struct claim *claim);

/* Whether there is one just now, without taking it; it looks everywhere, and
 * leaves the cursor there for claims_take(). Returns 1, 0, or -1. */
int claims_any(
    struct store *s, const struct claim_request *request, bool *ret_locked);

/* Prolongs the lease. Returns 1, 0 when the claim is lost (taken by skip or
 * reset, or in another database): stop at once and write nothing; -1. */
int claims_renew(struct store *s, const struct attempt_key *key);

/* The same question without a write: 1 held, 0 lost, -1. */
int claims_held(struct store *s, const struct attempt_key *key);

/*
 * A loop begins: what a dead predecessor of it left is repaired (recovery.h),
 * and its row in table loops is made or made true; a priority that was set by
 * hand stays as long as the configured one does (queries_queue.h). The caller
 * is the only process of that loop, so that recovery says that it is dead, and
 * otherwise how it is to be repaired. Returns the number of attempts that were
 * ended, or -1.
 */
int claims_begin(struct store *s, const char *loop_id, const char *title,
    int priority, const char *branch, const struct recovery *recovery);

/* The loop ends as it should: its row says so. Returns 0 or -1. */
int claims_finish(struct store *s, const char *loop_id);

/* A number that changes whenever another opener changes the database: only
 * then is it worth looking again. Returns 0 or -1. */
int claims_version(struct store *s, int64_t *ret);

/* Counts the tests of a loop. Returns 0 or -1. */
int
claims_count(struct store *s, const char *loop_id, struct claim_counts *ret);

/*
 * `reset`: from any status back to pending with 0 attempts; a running attempt
 * is ended (its loop notices within seconds). `skip`: never to be run.
 * by names who asked, reason may be NULL. Both are safe to repeat. Return 1
 * when something changed, 0 when it was so already, -1 with errno of store.h;
 * ENOENT with the store still open: there is no such test.
 */
int claims_reset(
    struct store *s, const char *test_id, const char *by, const char *reason);
int claims_skip(
    struct store *s, const char *test_id, const char *by, const char *reason);

/* The same inside a transaction that the caller begins and ends; and blocked
 * until it is reset. */
int claims_reset_within(
    struct store *s, const char *test_id, const char *by, const char *reason);
int claims_skip_within(
    struct store *s, const char *test_id, const char *by, const char *reason);
int claims_block_within(
    struct store *s, const char *test_id, const char *by, const char *reason);

/*
 * Inside such a transaction: takes the test of a loop's open attempt from it.
 * The attempt is ended, not counted, and the test pending, for the reason why.
 * Returns 1 with both ids, 0 when there is no such attempt, or -1.
 */
int claims_interrupt_within(struct store *s, const char *loop_id,
    const char *by, const char *why, char ret_attempt[static UUID_SIZE],
    char ret_test[static ATTEMPT_TEST_SIZE]);

#endif
