/* One attempt: does the test pass already, then the worker. */
#ifndef LOOPKEEPER_AGENTS_LOOP_ATTEMPT_H
#define LOOPKEEPER_AGENTS_LOOP_ATTEMPT_H

#include "agents/loop/runner.h"

/* A test has been claimed. */
void attempt_begin(struct runner *r, int64_t now_ms);
/* The claim is looked after while a job runs, or while it waits. */
void attempt_watch(struct runner *r, int64_t now_ms);
/* The job of the present phase is over. */
void attempt_next(struct runner *r, int64_t now_ms);

/* Its state goes to its row if the database can be had; it is for those who
 * look, the claim alone is what recovery needs. Sets r->lost. */
void attempt_note(
    struct runner *r, enum attempt_state state, pid_t pid, uint64_t pid_start);

/* Closes it because it was told to stop or has lost its test. */
void attempt_give_up(struct runner *r, int64_t now_ms);
/* Something that is nobody's fault, with errno's or git's words. */
void attempt_interrupt(struct runner *r, const char *what, int64_t now_ms);
/* What was done is no good: an attempt is used up if a worker did it. */
void attempt_fail(struct runner *r, const char *detail, int64_t now_ms);
/* What an earlier attempt had done is no good any more: from the start. */
void attempt_restart(struct runner *r, int64_t now_ms);

/* Whether a job was ended from outside, by a signal that may have been meant
 * for anybody (an operator's, or the kernel's when it is short of memory);
 * other signals are its own. */
bool attempt_was_killed(enum job_cause cause, int code);

/* The outcome of a worker that didn't reach its aim. */
enum attempt_outcome attempt_blame(const struct runner *r);

#endif
