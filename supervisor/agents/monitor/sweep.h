/*
 * Passed tests are run again on the integration branch: after merges those that
 * didn't pass on this commit yet, and now and then all, those first that were
 * verified longest ago, until the time for it is over. One that fails is looked
 * at closer (examine.h) before it counts as a regression.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_SWEEP_H
#define LOOPKEEPER_AGENTS_MONITOR_SWEEP_H

#include "agents/common/agent.h"
#include "agents/monitor/examine.h"

struct sweep {
	struct agent *agent;
	char directory[PATH_SIZE]; /* STATE/regression */
	int lock_fd;		   /* held by who sweeps; -1: not us */
	struct branch *branches;   /* owned */
	size_t nbranches;
	char *configured; /* owned: JSON array of all components */
	size_t next;	  /* branch to be looked at first */
	int64_t look_ms;  /* at the tips, next */

	/* While one is made. */
	struct branch *branch; /* NULL: none is */
	int64_t begun_ms;
	bool is_full; /* not only those that weren't run on this tip */
	struct passing_list tests;
	size_t n;			/* the one at hand */
	int passes;			/* of it, one after the other */
	struct examination examination; /* if it fails */
	char newer[GIT_HASH_SIZE]; /* the tip by the end of that, on which it is
				      run once more; "": it isn't yet */
	struct probe probe;
	const char *held; /* on this commit it can't be run yet; NULL: it is */
	int64_t held_ms;  /* when that is tried again */
	char transcript[PATH_SIZE];
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
