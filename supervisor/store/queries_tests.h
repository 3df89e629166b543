/*
 * Tests and their attempts for the eyes of people: nothing here changes a
 * row. Rows are handed to a function one by one; their texts live until it
 * returns, are never NULL and "" where nothing is set. It must not use the
 * store; a result other than 0 ends the query, which then returns it.
 */
#ifndef LOOPKEEPER_STORE_QUERIES_TESTS_H
#define LOOPKEEPER_STORE_QUERIES_TESTS_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct test_row {
	const char *id;
	const char *loop_id;
	const char *category;
	const char *status;
	int64_t attempts;
	int64_t max_attempts; /* 0: what the loop's configuration says */
	const char *last_result;
	const char *depends_on;
	int64_t automatable;
	const char *notes;
	const char *spec_content;
	const char *last_attempt_at;
	const char *passed_at;
	const char *verified_at;
	const char *created_at;
	const char *verify;
	const char *worker;
	const char *files;	/* JSON */
	const char *test_files; /* JSON */
	const char *reason;
	int64_t sort_order;
	int64_t allow_test_changes;
	const char *retry_at;
	int64_t runs;	       /* again after it passed, where it should, */
	int64_t flakes;	       /* and that failed by chance */
	const char *waits_for; /* while it is pending: the test, decision or
				  conflict without which it isn't begun */
	const char *parked;    /* the decision or conflict */
};

struct attempt_row {
	const char *id;
	const char *test_id;
	const char *loop_id;
	int64_t fence; /* 1 for the test's first attempt, and so on */
	const char *state;
	const char *outcome;
	int64_t pid; /* of the worker; 0: none */
	int64_t pid_start;
	const char *boot_id;
	const char *transcript;
	const char *command; /* JSON */
	const char *base_commit;
	const char *result_commit;
	int64_t tokens; /* -1: unknown, as the cost */
	double cost_usd;
	const char *started_at;
	const char *ended_at;
};

/*
 * Tests in the order in which they are taken, of one loop and in one status
 * where these are not NULL. Returns 0, what each() returned, or -1 with errno
 * of store.h.
 */
int queries_each_test(struct store *s, const char *loop_id, const char *status,
    int (*each)(const struct test_row *row, void *argument), void *argument);

/* The same, of the first limit ones alone; -1: of all. */
int queries_first_tests(struct store *s, const char *loop_id,
    const char *status, int64_t limit,
    int (*each)(const struct test_row *row, void *argument), void *argument);

/* Each status in which there are tests (of one loop where it isn't NULL), with
 * their number. As queries_each_test(). */
int queries_each_status(struct store *s, const char *loop_id,
    int (*each)(const char *status, int64_t n, void *argument), void *argument);

/* Pending tests of a loop that wait for something, in no order but those for
 * decisions and conflicts first; of each kind limit at most. As above. */
int queries_each_waiting(struct store *s, const char *loop_id, int limit,
    int (*each)(const struct test_row *row, void *argument), void *argument);

/* The test of that id, in any case. Returns 1 when each() was called, 0 when
 * there is none, -1. What each() returns is of no interest. */
int queries_test(struct store *s, const char *id,
    int (*each)(const struct test_row *row, void *argument), void *argument);

/* Attempts at one test (exact id), oldest first. As queries_each_test(). */
int queries_each_attempt(struct store *s, const char *test_id,
    int (*each)(const struct attempt_row *row, void *argument), void *argument);

/* The first limit (-1: all) tests that depend on this one, directly. As
 * queries_each_test(). */
int queries_each_dependent(struct store *s, const char *test_id, int64_t limit,
    int (*each)(const struct test_row *row, void *argument), void *argument);

/* How many do. Returns 0 or -1. */
int
queries_count_dependents(struct store *s, const char *test_id, int64_t *ret);

#endif
