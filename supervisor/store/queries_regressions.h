/* Regressions for the eyes of people, as in queries_tests.h. */
#ifndef LOOPKEEPER_STORE_QUERIES_REGRESSIONS_H
#define LOOPKEEPER_STORE_QUERIES_REGRESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

struct regression_row {
	const char *id;
	const char *test_id;
	const char *loop_id;
	const char *status; /* open, cleared */
	const char *cause;  /* commit, sometimes, outside */
	const char *failing_commit;
	const char *last_good_commit;
	const char *first_bad_commit;
	int64_t blamed_commits; /* one of so many; 0: unknown */
	const char *blamed_loop;
	const char *blamed_test;
	const char *blamed_attempt;
	int64_t blamed_fence; /* its number, for people; 0: unknown */
	const char *blamed_transcript;
	const char *blamed_author;
	const char *blamed_subject;
	int64_t blamed_revert;
	const char *transcript;
	const char *output;
	const char *detected_at;
	const char *checked_at;
	const char *closed_at;
	const char *decision_id;
	const char *decision_status;
	const char *decision_choice;
	const char *decision_default;
	const char *decision_options; /* JSON */
	const char *rollback_error;
	int64_t runs; /* of its test, */
	int64_t flakes;
	const char *result; /* its test is that now: passes, skipped, blocked;
			       "": none of these, or one is open */
};

/* Those that are open, or all; the last found first. */
int queries_each_regression(struct store *s, bool all,
    int (*each)(const struct regression_row *row, void *argument),
    void *argument);

struct flaky_row {
	const char *id;
	const char *loop_id;
	int64_t runs;
	int64_t flakes; /* of them failed by chance */
};

/* Tests that fail by chance, the worst first; max of them at most. */
int queries_each_flaky(struct store *s, int64_t max,
    int (*each)(const struct flaky_row *row, void *argument), void *argument);

#endif
