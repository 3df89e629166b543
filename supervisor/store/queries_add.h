/*
 * New tests, and the loops they belong to. What is there already is never
 * changed, so that the same may be added again.
 */
#ifndef LOOPKEEPER_STORE_QUERIES_ADD_H
#define LOOPKEEPER_STORE_QUERIES_ADD_H

#include <stdint.h>

#include "store/queries_tests.h"
#include "store/store.h"

/*
 * Adds one test. Texts that are NULL or "" become NULL, max_attempts of 0
 * too; status is `pending` and created_at now where they aren't given.
 * Returns 1 when it was added, 0 when a test of exactly that id is there, -1
 * with errno of store.h: EEXIST there is no such loop.
 */
int queries_add_test(struct store *s, const struct test_row *t);

/* The same for a loop. title may be NULL. Returns 1, 0 or -1. */
int queries_add_loop(
    struct store *s, const char *id, const char *title, int64_t priority);

/* The highest sort_order in a loop's queue; 0 when it is empty. Returns 0 or
 * -1. */
int queries_last_sort_order(struct store *s, const char *loop_id, int64_t *ret);

#endif
