/* What programs that only know the database read about components. */
#ifndef LOOPKEEPER_STORE_HEALTH_H
#define LOOPKEEPER_STORE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/*
 * Sets a row of component_health; what is NULL stays as it is. Nothing is
 * written when nothing changes. Returns 0, or -1 with errno of store.h.
 */
int health_set(struct store *s, const char *component, const char *status,
    const char *last_heartbeat, const char *metadata);

/* The heartbeat as its owner wrote it. Returns 1, 0 when there is none, -1. */
int health_heartbeat(
    struct store *s, const char *component, char *ret, size_t size);

/* Whether it gave a sign of life in the last ten minutes, and did so itself.
 * Returns 1, 0 or -1. */
int health_beats(struct store *s, const char *component);

/* Status and pid (0: none) of a loop that has a row. Returns 0 or -1. */
int health_set_loop(
    struct store *s, const char *loop_id, const char *status, int64_t pid);

/* What a component has written about itself: whether it has a row in loops, and
 * whether that one, or its row in component_health, says paused. Returns 0 or
 * -1. */
int health_paused(
    struct store *s, const char *name, bool *ret_is_loop, bool *ret_paused);

/* Whether the loop left work: an open attempt, a test in progress, a lock, a
 * wait edge. Returns 1, 0 or -1. */
int health_left_work(struct store *s, const char *loop_id);

#endif
