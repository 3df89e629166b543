/*
 * Who waits for whose lock: table wait_graph. An edge counts as long as it
 * isn't over, and its holder has locked what is waited for. One that was
 * written for a test counts in a circle (deadlocks.h) only while a worker of
 * the waiter is at that test: a loop that looks for another test holds up
 * nobody.
 */
#ifndef LOOPKEEPER_STORE_EDGES_H
#define LOOPKEEPER_STORE_EDGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/attempts.h"
#include "store/store.h"

/* So many are written of what a loop's queue waits for. */
#define EDGES_MAX 16

/* Inside store/, of a row w of wait_graph at the time `now`, ISO: it counts,
 * for those who look. overlaps() is registered. */
#define EDGE_IS_LIVE(now)                                              \
	"w.waiter <> w.holder"                                         \
	" AND ifnull(julianday(w.expires_at) > julianday(" now "), 1)" \
	" AND EXISTS (SELECT 1 FROM file_locks l"                      \
	" WHERE l.locked_by = w.holder"                                \
	" AND overlaps(l.file_path, w.resource)"                       \
	" AND " LOCK_IS_LIVE(now) ")"

/* One that a queue waits for. */
struct edge {
	char holder[ATTEMPT_TEST_SIZE];
	char resource[512];
	char test_id[ATTEMPT_TEST_SIZE];
};

struct edges {
	struct edge all[EDGES_MAX];
	size_t n;
};

/* Adds one, unless it is there or too many are: then it is left out. */
void edges_add(struct edges *e, const char *holder, const char *resource,
    const char *test_id);

/* Adds what the first tests of a loop's queue wait for. Returns 0 or -1. */
int edges_add_queue(struct store *s, const char *loop_id, struct edges *e);

/* Makes the edges of waiter these, if they aren't so already: they stay until
 * he writes others or dies. Returns 0 or -1. */
int edges_write(struct store *s, const char *waiter, const struct edges *e);

/*
 * Inside a transaction: writes or prolongs an edge to each who has locked what
 * resource may mean. test_id may be "". Returns 0 or -1.
 */
int edges_wait(struct store *s, const char *waiter, const char *resource,
    const char *test_id, int64_t good_ms);

/* waiter doesn't wait for these resources (NULL: for none) any more. Returns
 * how many edges there were, or -1. */
int edges_end(struct store *s, const char *waiter, char *const *resources);

#endif
