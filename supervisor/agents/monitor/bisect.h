/*
 * From which commit on a test fails, as far as runs of it on the last good
 * commit, the tip and those between can tell. Nothing is run here: it is told
 * what a run said, and says what is to be run next.
 *
 * Tests fail by chance, too. One that fails each time on the tip: a pass is
 * proof that a commit is good, and a bad one is one on which it fails so often
 * in a row as it hardly would by chance. One that fails on the tip now and then
 * only, but never where it passed last, too often for chance: one failure is
 * proof that a commit is bad, and a good one is one on which it passes so often
 * in a row as it hardly would if it were bad. In all other cases it is the test
 * that fails by chance, wherever it is.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_BISECT_H
#define LOOPKEEPER_AGENTS_MONITOR_BISECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bisect_step {
	BISECT_RUN,
	BISECT_FLAKY,	/* it fails by chance */
	BISECT_OUTSIDE, /* it fails on the good commit, too: it's no commit */
	BISECT_FOUND,
};

enum bisect_verdict { BISECT_PASSED, BISECT_FAILED, BISECT_SKIPPED };

/* What runs on one commit have said. */
struct bisect_commit {
	int passed;
	int failed;
	bool skipped; /* it can't be run there */
};

struct bisect {
	/* [0] is the good one, [n] the tip; owned. Without a good one n is 0,
	 * and where the tip is the good one itself. */
	struct bisect_commit *commits;
	size_t n;
	bool has_good;
	int64_t runs; /* what was known of the test before */
	int64_t flakes;
	int enough;  /* so many passes in a row are no chance of one that fails
			now and then; 0: it fails each time, as far as known */
	size_t last; /* where it was run last, */
	int row;     /* and passed so often without a failure in between */
};

/*
 * Begins with a failure on the tip. flakes of runs of the test failed by chance
 * so far. Returns 0, or -1 with ENOMEM; bisect_free() after success.
 */
int bisect_begin(
    struct bisect *b, bool has_good, size_t n, int64_t runs, int64_t flakes);
void bisect_free(struct bisect *b);

/* What the run on commits[at] said. */
void bisect_note(struct bisect *b, size_t at, enum bisect_verdict verdict);

/* What follows; *ret_at is set where it is to be run, or FOUND: the first bad
 * commit. */
enum bisect_step bisect_next(struct bisect *b, size_t *ret_at);

/* When the first bad one is found: the nearest before it that is proven good,
 * or was. Those between can't be run: it may be any of them. */
size_t bisect_good(const struct bisect *b, size_t bad);

/* When it's over: how often it was run on good commits, or, where it fails by
 * chance, on any, and how often of these it failed. */
void bisect_count(const struct bisect *b, enum bisect_step step, size_t bad,
    int64_t *ret_runs, int64_t *ret_flakes);

#endif
