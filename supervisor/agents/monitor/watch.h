/*
 * What the monitor knows of one loop: since when, on its own monotonic clock,
 * the evidence of its progress hasn't changed.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_WATCH_H
#define LOOPKEEPER_AGENTS_MONITOR_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "store/progress.h"

struct watch {
	const struct loop_config *config;
	struct progress progress; /* of the attempt it is in */
	char output_at[64];	  /* last_output_at of its health.json */
	int64_t since_ms;	  /* both are as they are; 0: no attempt */
	bool moved;		  /* they were seen to change */
};

/* Takes in what is so now. progress is NULL when it is in no attempt. Returns
 * for how long there has been no progress. */
int64_t
watch_look(struct watch *w, const struct progress *progress, int64_t now_ms);

/* The monitor itself was away for ms: nobody is judged for that. */
void watch_forgive(struct watch *w, int64_t ms);

#endif
