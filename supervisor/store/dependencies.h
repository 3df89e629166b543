/*
 * Tests that wait for others: which of them nothing will ever wake, and which
 * loops of other programs may go on. Loops of our own take other work and see
 * by themselves when they may begin a test.
 */
#ifndef LOOPKEEPER_STORE_DEPENDENCIES_H
#define LOOPKEEPER_STORE_DEPENDENCIES_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/* A test that will not pass by itself, and others wait for it. */
struct dead_end {
	const char *test_id; /* texts live until found() returns */
	const char *status;  /* "skipped", "blocked", "failed"; "missing" */
	const char *waiting; /* ids of those that wait, the first few */
	int64_t n;	     /* how many do, directly */
	const char *loop_id; /* of the first of them */
};

/* Calls found for each. found must not use the store. Returns 0 or -1. */
int dependencies_dead_ends(struct store *s,
    void (*found)(const struct dead_end *end, void *argument), void *argument);

/*
 * Calls found for each pending test that waits for one which, through others or
 * at once, waits for itself: it is in a cycle, or behind one. By id.
 */
int dependencies_circular(struct store *s,
    void (*found)(const char *test_id, const char *depends_on, void *argument),
    void *argument);

/*
 * Asks loops of other programs to go on, by event resume_requested, once per
 * passing of a dependency. The contract: such a loop, when it finds that its
 * next test's dependency hasn't passed and has nothing else to do, sets its
 * status to paused and current_test_id to that test; it polls events for
 * resume_requested with its loop_id. One that was asked to pause stays paused.
 * is_ours(loop_id) names those that need none; it must not use the store.
 * Returns how many were asked, or -1.
 */
int dependencies_resume(struct store *s,
    bool (*is_ours)(const char *loop_id, void *argument), void *argument,
    const char *by);

/* Makes a test (exact id) depend on another one, or on none (NULL), as part of
 * the caller's transaction. Returns 1, 0 when it is so already, or -1: EINVAL
 * that one waits for it (store_error() says so). */
int dependencies_set(struct store *s, const char *test_id,
    const char *depends_on, const char *by);

#endif
