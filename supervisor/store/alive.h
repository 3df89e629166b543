/* Who lives, as far as the database is concerned: facts first (keepers'
 * locks, records, processes), then heartbeats that are seen to move. */
#ifndef LOOPKEEPER_STORE_ALIVE_H
#define LOOPKEEPER_STORE_ALIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/store.h"

enum alive {
	ALIVE_NO,      /* nothing of it runs */
	ALIVE_YES,     /* or its keeper is just ending what does */
	ALIVE_UNKNOWN, /* no keeper ever knew it in this run directory */
};

/*
 * The lock that the one process of a loop holds for life, STATE/locks/NAME.
 * Returns a descriptor to keep, or -1 with errno: EAGAIN another process runs
 * the loop.
 */
int alive_lock(const char *state_directory, const char *name);

/* Who holds it: a pid, 0 for nobody, -1 with errno. Not to be asked by the
 * loop itself (lock.h). */
pid_t alive_holder(const char *state_directory, const char *name);

/* What the loop's lock says, or else the record of the component, if it is
 * true. */
enum alive alive_by_record(const char *state_directory, const char *name);

/*
 * Whether a loop left the outcome of its last attempt in STATE/spool, because
 * it couldn't have the database: its successor applies it, or the recorder
 * where there will be none, so until then nothing that belongs to the attempt
 * may be given back.
 */
bool alive_left_outcome(const char *state_directory, const char *loop_id);

/* Loops of others, whose heartbeats in component_health moved or not. */
struct alive_beat {
	char loop_id[128];
	char value[64]; /* at first */
	bool moved;
};

struct alive_watch {
	struct alive_beat *beats;
	size_t n;
};

/*
 * Finds the loops that have work in the database, that known() doesn't know,
 * and that gave a sign of life in the last ten minutes, if the clock is right;
 * then waits until all of their heartbeats moved, at most wait_ms. Returns 0
 * with *ret to be freed by alive_watch_free(), or -1 with errno.
 */
int alive_watch(struct store *s,
    enum alive (*known)(const char *loop_id, void *argument), void *argument,
    int64_t wait_ms, struct alive_watch *ret);
bool alive_watch_moved(const struct alive_watch *w, const char *loop_id);
void alive_watch_free(struct alive_watch *w);

#endif
