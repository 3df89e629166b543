/*
 * Queues whose loop may not come back, and other loops that could take their
 * tests over. What a loop is, the recorder writes into component_health.
 */
#ifndef LOOPKEEPER_STORE_STRANDED_H
#define LOOPKEEPER_STORE_STRANDED_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "store/store.h"

struct queue {
	char loop_id[TEXT_NAME_MAX + 1];
	int64_t pending;
	char status[16]; /* of loops: "running", "stopped"; "" unknown */
	/* Of its component: "failed", "running"; "" unknown. */
	char state[16];
	char wanted[16];
	char circuit[16];
};

/* All loops that are known to the database. Returns 0 with *ret to be freed, or
 * -1 with errno of store.h or ENOMEM. */
int stranded_queues(struct store *s, struct queue **ret, size_t *ret_n);

/* The first pending tests of a loop as its queue has them, "T-1 T-2 T-3", as
 * many as there is room for whole, in *ret_n; as words of a shell's command.
 * Returns 0 or -1. */
int stranded_list(struct store *s, const char *loop_id, int limit, char *ret,
    size_t size, int *ret_n);

/* So many are moved at once: others want to write, too. */
#define STRANDED_MOVE_MAX 500

/*
 * Moves the first pending tests of a loop, in their order, to the ends of the
 * queues of these loops, always to the one that has least to do (of equals the
 * first); their pending is counted up. Each is noted as test_moved. Returns how
 * many, STRANDED_MOVE_MAX when there may be more, or -1.
 */
int stranded_move(struct store *s, const char *loop_id,
    struct queue *const *targets, size_t n, const char *by);

#endif
