/*
 * Repairing what the dead left in the database, at start, by hand, and for
 * one loop when it has died. Nothing of a loop that lives is touched.
 */
#ifndef LOOPKEEPER_STORE_RECOVERY_H
#define LOOPKEEPER_STORE_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

struct recovery {
	/* Whether the process that works as loop_id lives; NULL: none does.
	 */
	bool (*is_alive)(const char *loop_id, void *argument);
	/* Whether a commit that an attempt was about to merge is in the
	 * branch: 1, 0, or -1 for nobody can tell, which counts as no. NULL:
	 * no. */
	int (*is_merged)(
	    const char *repository, const char *branch, const char *commit);
	/* One finding, for people: "removed 3 locks". May be NULL. */
	void (*say)(const char *line, void *argument);
	void *argument;
	const char *by; /* source of the events */
	bool dry_run;	/* only says what it would do */
};

struct recovery_counts {
	int64_t merged;	     /* passed: only their end was missing */
	int64_t attempts;    /* closed as interrupted */
	int64_t tests;	     /* back to pending */
	int64_t locks;	     /* of the dead, or expired */
	int64_t waits;	     /* edges of wait_graph */
	int64_t checkpoints; /* of attempts, closed */
};

/*
 * Everything, in one transaction, with the event recovery_done. With loop_id
 * only what this loop has left, and the event only if that was anything;
 * r->is_alive is then asked again inside the transaction, when nobody can
 * claim: if it lives, nothing is done. ret may be NULL. Returns 0; 1 when the
 * database turned out to be another one and nothing was done (call again); -1
 * with errno of store.h.
 */
int recovery_run(struct store *s, const struct recovery *r, const char *loop_id,
    struct recovery_counts *ret);

#endif
