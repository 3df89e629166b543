/*
 * What a human is asked. A decision is a row: its answer is written to it in
 * one transaction and read from there, so that it survives everybody who
 * waits for it.
 */
#ifndef LOOPKEEPER_STORE_DECISIONS_H
#define LOOPKEEPER_STORE_DECISIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/attempts.h"
#include "store/store.h"

#define DECISION_ID_SIZE     32
#define DECISION_CHOICE_SIZE 32

struct decision {
	char id[DECISION_ID_SIZE]; /* "DEC-001" */
	char type[64];
	char test_id[ATTEMPT_TEST_SIZE]; /* "" where it is about none */
	char default_option[DECISION_CHOICE_SIZE];
	char choice[DECISION_CHOICE_SIZE]; /* "" while pending */
	int64_t timeout_ms;
	char boot_id[UUID_SIZE]; /* of the boot it was asked in, or "" */
	int64_t asked_ms;	 /* clock_ms() of that boot */
	int64_t fence;		 /* of the attempt that blocked the test */
};

/* Ids of the options of a decision about a blocked test. */
#define DECISION_RETRY "A"
#define DECISION_SKIP  "B"
#define DECISION_LEAVE "C"

/*
 * Opens a decision for every blocked test that has none for this blocking.
 * Returns how many were opened, or -1.
 */
int decisions_open_blocked(
    struct store *s, const char *by, int64_t timeout_ms, const char *boot_id);

/*
 * Calls found for each pending decision (pending true), or for each answered
 * one about a test that is still blocked as it was when it was asked (false).
 * found must not use the store. Returns the number of calls, or -1.
 */
int decisions_each(struct store *s, bool pending,
    void (*found)(const struct decision *decision, void *argument),
    void *argument);

/*
 * Answers one. choice is the id of one of its options, in any case. Returns
 * 1; 0 when it was answered so already; -1 with errno: ENOENT no such
 * decision, EINVAL no such option, EALREADY answered otherwise, or of
 * store.h.
 */
int decisions_answer(struct store *s, const char *id, const char *choice,
    const char *by, const char *comment);

/* Takes the default of a pending one whose time is over (auto_resolved).
 * Returns 1, 0 when it is not pending any more, -1. */
int decisions_expire(struct store *s, const char *id, const char *by);

/*
 * Does what the answer says, once: A test reset with fresh attempts, B test
 * skipped, C nothing. Returns 1 when the test was changed, 0, or -1.
 */
int decisions_apply(
    struct store *s, const struct decision *decision, const char *by);

#endif
