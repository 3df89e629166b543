/*
 * Passed tests are run again on the tip of a branch, one after the other, until
 * the time for it is over. One that fails is looked at closer (examine.h)
 * before it counts as a regression; open regressions come last, each once.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_RERUN_H
#define LOOPKEEPER_AGENTS_MONITOR_RERUN_H

#include "agents/common/agent.h"
#include "agents/monitor/examine.h"

enum rerun_state {
	RERUN_OVER, /* or none was begun */
	RERUN_GOES_ON,
	RERUN_GIVEN_UP, /* it can't go on for now */
};

struct rerun {
	/* The caller's. */
	struct agent *agent;
	const char *directory; /* of transcripts */

	enum rerun_state state;
	char why[GIT_ERROR_SIZE]; /* "": nobody needs to know */
	struct branch *branch;
	int64_t begun_ms;
	struct passing_list tests;	/* owned */
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

/* a and directory must live as long. */
void rerun_init(struct rerun *r, struct agent *a, const char *directory);
void rerun_finish(struct rerun *r);

/* Begins one with these tests, which it takes over, on b's tip, which is left
 * as it is until this is over. Returns the state, as rerun_step(). */
enum rerun_state rerun_begin(struct rerun *r, struct branch *b,
    const struct passing_list *tests, int64_t now_ms);

/* Does what is due, and takes note of a job's end. When the agent is stopping
 * it is given up. */
enum rerun_state rerun_step(struct rerun *r, int64_t now_ms);

/* When that is to be called next if no child ends before. */
int64_t rerun_next_ms(const struct rerun *r, int64_t now_ms);

/* Ends the job: rerun_step() goes on until it is over. */
void rerun_stop(struct rerun *r, int64_t now_ms);

#endif
