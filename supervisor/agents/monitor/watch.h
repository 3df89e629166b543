/*
 * For how long a piece of evidence hasn't changed, on the watcher's own
 * monotonic clock: no clock of others is believed.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_WATCH_H
#define LOOPKEEPER_AGENTS_MONITOR_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
	uint64_t evidence; /* a hash of it */
	int64_t since_ms;  /* it is as it is; 0: there is none */
	bool moved;	   /* it was seen to change, or to be gone */
};

/* Takes in what it is now. Returns for how long it has been so. */
int64_t watch_look(struct watch *w, uint64_t evidence, int64_t now_ms);

/* There is nothing that could change. */
void watch_clear(struct watch *w);

/* The watcher itself was away for ms: nobody is judged for that. */
void watch_forgive(struct watch *w, int64_t ms);

#endif
