/* Questions about passed tests that fail now: roll back, fix forward, skip. */
#ifndef LOOPKEEPER_STORE_DECISIONS_REGRESSION_H
#define LOOPKEEPER_STORE_DECISIONS_REGRESSION_H

#include "store/decisions.h"
#include "store/regressions.h"

#define DECISION_REGRESSION "regression"

struct regressed_asking {
	const char *by;
	int64_t timeout_ms;
	const char *boot_id;
	bool auto_rollback;    /* what can be rolled back without asking is: its
				  question is answered at once, ... */
	int rollbacks_per_day; /* ... but so often a day at most */
};

/*
 * Asks about every open regression that nobody has been asked about, or whose
 * rollback was in vain or couldn't be done: A roll back just the commit (where
 * one alone is to blame), B fix forward, C skip. The default is C, or A where
 * that is taken at once: never for a revert, nor for a test whose work was
 * rolled back so before, nor while another such rollback isn't seen to have
 * mended anything, nor while tests fail for unlike causes. Returns how many
 * were asked, or -1.
 */
int regressed_ask(struct store *s, const struct regressed_asking *asking);

/* What an answer A wants to be reverted, before the answer is applied. */
struct regressed_commit {
	char loop_id[TEXT_NAME_MAX + 1]; /* whose, or on whose branch */
	char commit[ATTEMPT_COMMIT_SIZE];
};

/* Returns 1 with *ret where the decision says that something is to be rolled
 * back, 0, or -1. */
int regressed_rollback(
    struct store *s, const struct decision *d, struct regressed_commit *ret);

/* It couldn't be done, or NULL: it was. To be called before the answer is
 * applied. Returns 0 or -1. */
int
regressed_note(struct store *s, const struct decision *d, const char *error);

/* It couldn't be done yet, and will be tried again: an alert says why, once, as
 * long as the regression is open. Returns 0 or -1. */
int regressed_postpone(struct store *s, const struct decision *d,
    const char *by, const char *error);

/* The answer's effect, as long as the regression is open; of A what is to be
 * noted when the commit has been reverted, or couldn't be. */
decisions_effect regressed_apply;

#endif
