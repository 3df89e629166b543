/* The numbers that tell how a fleet gets on. */
#ifndef LOOPKEEPER_STORE_METRICS_H
#define LOOPKEEPER_STORE_METRICS_H

#include <stdint.h>

#include "store/store.h"

/*
 * How many events of that type there were in the last so many ms, but no more
 * than are of interest (max). Returns that, or -1 with errno of store.h.
 */
int
metrics_events(struct store *s, const char *type, int64_t last_ms, int64_t max);

/* How many decisions wait for an answer, and how long the oldest has; 0 for
 * none. Returns 0 or -1. */
int metrics_decisions(
    struct store *s, int64_t *ret_pending, int64_t *ret_oldest_ms);

/* Bytes of the database with what isn't in its file yet. Returns 0, or -1 with
 * stat(2)'s errno. */
int metrics_database_size(const struct store *s, int64_t *ret);

#endif
