/*
 * A commit is rolled back because an answer says so: `loopkeeper rollback` as a
 * child, one at a time, while the PM goes on. That nothing of it is lost when
 * the PM dies is the command's: done again, it finds what is done already.
 */
#ifndef LOOPKEEPER_AGENTS_PM_REVERTING_H
#define LOOPKEEPER_AGENTS_PM_REVERTING_H

#include "agents/common/agent.h"
#include "agents/common/job.h"
#include "store/decisions.h"
#include "store/decisions_regression.h"

struct reverting {
	struct agent *agent;
	struct job job;
	int output_fd; /* of the job; -1: there is none */
	char output[PATH_SIZE];
	char decision_id[DECISION_ID_SIZE]; /* whose it is or was; "" none */
	bool is_over;
	char error[256];  /* why it couldn't be done, once it is_over; else why
			     not yet; "" */
	int64_t retry_ms; /* it is to be tried again, not before; 0 */
};

void reverting_init(struct reverting *r, struct agent *a);

/* Returns whether it is over, with error; else starts it, or waits for it, and
 * for others before it. */
bool reverting_look(struct reverting *r, const struct decision *d,
    const struct regressed_commit *commit, int64_t now_ms);

/* Takes note of the job's end. Returns whether it is over now, or postponed
 * with an error. */
bool reverting_poll(struct reverting *r, int64_t now_ms);

/* Ends it: reverting_poll() goes on until it is_busy no more. */
void reverting_stop(struct reverting *r, int64_t now_ms);
bool reverting_is_busy(const struct reverting *r);

/* When it is to be polled next if no child ends before; 0: never. */
int64_t reverting_next_ms(const struct reverting *r, int64_t now_ms);

#endif
