/*
 * What became of the work in a window of time, by loop: what passed and what
 * didn't, what it cost, and why hours went by without work. Read from usage,
 * attempts, events, alerts and tests, by their indices: it takes as long as the
 * window is full, not the database. What is decided over the head of whoever
 * was away is in summary_acts.h.
 */
#ifndef LOOPKEEPER_STORE_SUMMARY_H
#define LOOPKEEPER_STORE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "store/budget.h"
#include "store/store.h"

/* Why a loop didn't work. Where several hold the first one counts. */
enum summary_cause {
	LOST_STUCK, /* its worker ran, and was ended as silent or for time */
	LOST_PAUSED,
	LOST_STOPPED,
	LOST_EMPTY,	  /* its queue was */
	LOST_LIMIT,	  /* its provider's */
	LOST_UNAVAILABLE, /* its provider was, or wanted a login */
	LOST_DEGRADED,	  /* the fleet's mode was another than normal */
};
#define LOST_CAUSES 7

struct summary_loop {
	char id[TEXT_NAME_MAX + 1];

	/* As it is now: for whoever knows to fill in. */
	bool is_paused;
	bool is_stopped;
	char provider[TEXT_NAME_MAX + 1]; /* "" unknown */

	int64_t passed;	  /* tests, in the window; still so */
	int64_t failed;	  /* attempts, in the window */
	int64_t blocked;  /* tests, now; or failed for good */
	int64_t left;	  /* pending or in progress, now */
	int64_t begun_ms; /* when its first attempt in the window began, by
			     wall clock; 0: there was none */
	struct budget_sum spent;
	struct budget_sum wasted; /* of it, on attempts that didn't pass */
	int64_t lost_ms[LOST_CAUSES];
};

struct summary {
	int64_t since_ms; /* wall clock, as until_ms; later once it was read
			     when there was nothing before */
	int64_t until_ms;
	bool has_past;		    /* there was any event, ever */
	bool is_degraded;	    /* now, as far as the caller knows */
	struct summary_loop *loops; /* by priority; owned */
	size_t n;
};

/*
 * Reads all of it for the window and mode that are set in sum. now is called
 * for each loop before its lost time is told, unless nothing ever happened, and
 * must not use the store. Returns 0, or -1 with errno of store.h. Free with
 * summary_free(), on failure too.
 */
int summary_read(struct summary *sum, struct store *s,
    void (*now)(struct summary_loop *loop, void *argument), void *argument);
void summary_free(struct summary *sum);

/* The loop of that id, or NULL. */
struct summary_loop *summary_find(const struct summary *sum, const char *id);

/* When the loop will have nothing left, by its pace in the window, wall clock;
 * 0 where nothing is left, or nobody can tell. */
int64_t
summary_done_ms(const struct summary *sum, const struct summary_loop *loop);

/* "rate limit", "paused", ... */
const char *summary_cause_name(enum summary_cause cause);

/* Used between the files of this module: reads lost_ms of all loops. Returns 0
 * or -1. */
int summary_read_lost(struct summary *sum, struct store *s);

#endif
