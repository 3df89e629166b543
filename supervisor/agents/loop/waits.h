/*
 * Who else has locked what a candidate changes, and which tests wait for that:
 * they have a candidate, and are not claimed again as long as these locks
 * stand. Nothing is held meanwhile, and other tests are worked on. Kept in
 * memory: a loop that begins anew learns it by one attempt of each.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_WAITS_H
#define LOOPKEEPER_AGENTS_LOOP_WAITS_H

#include <stdbool.h>

#include "base/texts.h"
#include "store/attempts.h"

#define WAITS_MAX 64 /* one more is tried in vain */

struct runner;

struct waits {
	struct {
		char test_id[ATTEMPT_TEST_SIZE];
		char **paths; /* owned; NULL: the place is free */
	} all[WAITS_MAX];
	const char *tests[WAITS_MAX + 1]; /* what waits_tests() returns */
};

/* How many of the paths others have locked, and in ret_detail the first; or -1
 * with errno of store.h. The database is open. */
int waits_ask(struct runner *r, const struct texts *paths,
    char ret_detail[static ATTEMPT_DETAIL_SIZE]);

/* The test that is claimed waits for these paths, a list that is taken over. */
void waits_add(struct runner *r, char **paths);

/* The tests that still wait, NULL-ended; good until the next call. The database
 * is open. */
const char *const *waits_tests(struct runner *r);

/* Says in the database what the queue waits for now that nothing of it can be
 * claimed, or (locked false) that it waits for nobody's lock. Returns 0 or -1.
 */
int waits_publish(struct runner *r, bool locked);

/* The worker is gone: nobody waits for what it wanted to lock. */
void waits_end_worker(struct runner *r);

void waits_free(struct waits *w);

#endif
