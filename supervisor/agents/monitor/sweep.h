/*
 * Which integration branch is due to be swept: after merges for those tests
 * that didn't pass on this commit yet, and now and then for all, those first
 * that were verified longest ago. What a sweep does is in rerun.h; a branch
 * that can't be swept says why.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_SWEEP_H
#define LOOPKEEPER_AGENTS_MONITOR_SWEEP_H

#include "agents/common/agent.h"
#include "agents/monitor/rerun.h"

struct sweep {
	struct agent *agent;
	char directory[PATH_SIZE]; /* STATE/regression */
	int lock_fd;		   /* held by who sweeps; -1: not us */
	struct branch *branches;   /* owned */
	size_t nbranches;
	char *configured; /* owned: JSON array of all components */
	size_t next;	  /* branch to be looked at first */
	int64_t look_ms;  /* at the tips, next */

	struct rerun rerun; /* the sweep that is made */
	bool is_full;	    /* not only those that weren't run on this tip */
};

/* a must live as long. Returns 0, or -1 after an error in the log. */
int sweep_open(struct sweep *w, struct agent *a);
void sweep_close(struct sweep *w);

/* Does what is due, and takes note of a job's end. */
void sweep_step(struct sweep *w, int64_t now_ms);

/* When it is to be called next if no child ends before; 0: never. */
int64_t sweep_next_ms(const struct sweep *w, int64_t now_ms);

/* Ends what it does: sweep_step() goes on until it is_busy no more. */
void sweep_stop(struct sweep *w, int64_t now_ms);
bool sweep_is_busy(const struct sweep *w);

#endif
