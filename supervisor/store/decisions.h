/*
 * What a human is asked. A decision is a row: its answer is written to it in
 * one transaction and read from there, so that it survives everybody who
 * waits for it; what the answer says is done in another one, that also notes
 * that it is done.
 */
#ifndef LOOPKEEPER_STORE_DECISIONS_H
#define LOOPKEEPER_STORE_DECISIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/attempts.h"
#include "store/store.h"

/* Other programs may name theirs as they like. */
#define DECISION_ID_SIZE      128
#define DECISION_CHOICE_SIZE  128
#define DECISION_SUBJECT_SIZE 64

struct decision {
	char id[DECISION_ID_SIZE]; /* "DEC-001" */
	char type[64];
	char test_id[ATTEMPT_TEST_SIZE]; /* "" where it is about none */
	char loop_id[TEXT_NAME_MAX + 1]; /* the same */
	char subject[DECISION_SUBJECT_SIZE];
	char default_option[DECISION_CHOICE_SIZE];
	char choice[DECISION_CHOICE_SIZE]; /* "" while pending */
	int64_t timeout_ms;		   /* below 0: it waits for ever */
	char boot_id[UUID_SIZE]; /* of the boot it was asked in, or "" */
	int64_t
	    asked_ms; /* clock_ms() of that boot; 0: another program asked */
	char seen_boot[UUID_SIZE]; /* as decisions_note_seen() has noted it */
	int64_t seen_ms;
	int64_t fence; /* the question's */
};

/* Texts are the caller's, and never NULL unless said. */
struct question {
	const char *type;    /* "test_blocked" */
	const char *summary; /* what is wrong, in a line */
	const char *test_id; /* NULL: about none */
	const char *loop_id; /* NULL: of none */
	const char *subject; /* id of the conflict or regression it is about;
				NULL: none */
	int64_t fence;	     /* of the test's last attempt when it was asked */
	struct question_option {
		const char *id; /* "A" */
		const char *description;
	} options[4];		    /* up to the first id that is NULL */
	const char *default_option; /* changes nothing, unless configured */
	bool parks; /* the test waits for the answer; its loop doesn't */
	const char *by;
	int64_t timeout_ms;
	const char *boot_id;
};

/* Asks, as part of the caller's transaction. Returns 0 with the new id, or -1
 * with errno of store.h. */
int decisions_open(struct store *s, const struct question *question,
    char ret_id[static DECISION_ID_SIZE]);

/* Calls found for each that waits for an answer. found must not use the
 * store. Returns the number of calls, or -1. */
int decisions_pending(struct store *s,
    void (*found)(const struct decision *decision, void *argument),
    void *argument);

/* The same for each that has one which isn't done yet. */
int decisions_due(struct store *s,
    void (*found)(const struct decision *decision, void *argument),
    void *argument);

/* From when on the time of a pending one is counted that wasn't asked on this
 * boot's clock. Returns 0 or -1. */
int decisions_note_seen(
    struct store *s, const char *id, const char *boot_id, int64_t now_ms);

/*
 * Answers one. choice is the id of one of its options, in any case. Returns
 * 0, or -1 with errno: ENOENT no such decision, EINVAL no such option, EALREADY
 * it isn't pending any more (store_error() tells who answered what, and when),
 * or of store.h.
 */
int decisions_answer(struct store *s, const char *id, const char *choice,
    const char *by, const char *comment);

/* Whether another program has asked, which then does what is answered: 1 with
 * its name, "" where it doesn't tell; 0, -1. */
int
decisions_of_others(struct store *s, const char *id, char *ret_by, size_t size);

/* Takes the default of a pending one whose time is over (auto_resolved).
 * Returns 1, 0 when it is not pending any more, -1. */
int decisions_expire(struct store *s, const char *id, const char *by);

/* The same inside a transaction, for what needs nobody's answer. */
int decisions_expire_within(struct store *s, const char *id, const char *by);

/* Closes, without an answer, each that waits for one and is about value, which
 * is its "test_id" or its "subject", inside a transaction. What is parked on it
 * is the caller's. why is for people. Returns 0 or -1. */
int decisions_withdraw_within(struct store *s, const char *member,
    const char *value, const char *by, const char *why);

/*
 * Closes, without an answer, each of ours of that type that waits for one
 * although its test is in none of these statuses any more (a JSON array):
 * others have settled it, or it passed. Returns how many, or -1.
 */
int decisions_settle(
    struct store *s, const char *type, const char *statuses, const char *by);

/* What an answer does, inside a transaction, while the test that waits for it
 * is still parked. Returns 1 when that changed something, 0, or -1 with errno
 * of store.h. */
typedef int decisions_effect(
    struct store *s, const struct decision *decision, const char *by);

/*
 * Does what the answer says, once, and gives back the test that waited for it.
 * effect may be NULL: nothing is to be done here. Returns as the effect, or 0
 * when it was done already.
 */
int decisions_apply(struct store *s, const struct decision *decision,
    decisions_effect *effect, const char *by);

#endif
