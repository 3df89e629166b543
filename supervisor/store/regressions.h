/*
 * Tests that passed on the integration branch and don't any more. One is open
 * until its test passes again, also by an attempt after a reset, or is given
 * up: skipped, or blocked.
 */
#ifndef LOOPKEEPER_STORE_REGRESSIONS_H
#define LOOPKEEPER_STORE_REGRESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/attempts.h"
#include "store/store.h"

#define REGRESSIONS_OUTPUT_MAX 4096 /* of one, kept */

/* With its id: the cause of an alert that it can't be rolled back. */
#define REGRESSIONS_CAUSE "rollback:"

/* Of regressions g that are over, in SQL: what their tests are now, "passes",
 * "skipped" or "blocked"; NULL: none of these. */
#define REGRESSIONS_RESULT                                  \
	"(SELECT CASE t.status WHEN 'passed' THEN 'passes'" \
	" WHEN 'skipped' THEN 'skipped'"                    \
	" WHEN 'blocked' THEN 'blocked'"                    \
	" WHEN 'failed' THEN 'blocked' END"                 \
	" FROM tests t WHERE t.id = g.test_id)"
/* Of any: NULL, too, as long as one is open for the test. */
#define REGRESSIONS_RESULT_NOW                                 \
	"CASE WHEN NOT EXISTS (SELECT 1 FROM regressions o"    \
	" WHERE o.test_id = g.test_id AND o.status = 'open') " \
	"THEN " REGRESSIONS_RESULT " END"

/* Texts are "" where there is none, or it isn't known. */
struct regression {
	const char *id; /* set by regressions_each() */
	const char *test_id;
	const char *loop_id;
	const char *commit;	/* on which it fails */
	const char *last_good;	/* on which it passes, or passed last */
	const char *passed_on;	/* where it had passed last when it was run: who
				   has passed elsewhere since isn't meant. NULL:
				   wherever */
	const char *first_bad;	/* from which on it fails */
	int64_t ncommits;	/* first_bad and those before it as far as
				   last_good: any of them may be to blame */
	const char *transcript; /* of these runs: a path */
	const char *output;	/* the end of what the last one wrote */
	bool is_outside; /* it fails on last_good now, too: it's no commit */
	int enough;	 /* of one that fails now and then, and never before: so
			    many passes in a row are no chance; 0: it always fails */
	/* Of first_bad, as its trailers tell it. */
	const char *blamed_loop;
	const char *blamed_test;
	const char *blamed_attempt;    /* id */
	const char *blamed_transcript; /* not in the trailers: set by
					  regressions_each() */
	const char *author;
	const char *subject;
	bool is_revert; /* it undoes another commit of a loop */
};

/* Opens one, with event regression_detected, which tells all of it. Returns 1,
 * 0 when one is open for that test or the test isn't passed now, or has passed
 * anew since, -1 with errno of store.h. */
int regressions_open(
    struct store *s, const char *source, const struct regression *r);

/* The one that is open for the test was looked at again: it stands. Returns 0
 * or -1. */
int regressions_confirm(struct store *s, const char *test_id);

/* Clears those whose test was verified since, or is given up, with events
 * regression_cleared, which tell by what (result). Returns how many, or -1. */
int regressions_settle(struct store *s, const char *source);

/* The one that is open longest. */
struct regression_oldest {
	char test_id[ATTEMPT_TEST_SIZE];
	char commit[ATTEMPT_COMMIT_SIZE]; /* on which it fails */
	bool has_fix; /* a test in the loop's queue that has one is reset */
};

/* Whether one is open for a test of these loops (a JSON array); loop_id is that
 * of whom has_fix is told. A reset test that waits for another one is none:
 * that one is to be claimed. Returns 1 with *ret, 0, or -1. */
int regressions_ask(struct store *s, const char *loops, const char *loop_id,
    struct regression_oldest *ret);

/* Calls found for each open one. It must not use the store; texts live until it
 * returns. Returns 0 or -1. */
int regressions_each(struct store *s,
    void (*found)(const struct regression *r, void *argument), void *argument);

#endif
