/* The end of an attempt: its outcome goes into the database or, as long as
 * that can't be had, into a file in the spool. */
#ifndef LOOPKEEPER_AGENTS_LOOP_CLOSE_H
#define LOOPKEEPER_AGENTS_LOOP_CLOSE_H

#include "agents/loop/runner.h"

/* The outcome is known; nothing of the attempt runs any more. */
void close_begin(struct runner *r, enum attempt_outcome outcome, bool parked,
    const char *detail, int64_t now_ms);
void close_step(struct runner *r, int64_t now_ms);

/* The parts that merging needs, too. */
void close_fill(struct runner *r, enum attempt_outcome outcome, bool parked,
    const char *detail, int64_t now_ms);
void close_tell(struct runner *r, enum attempt_result result);
void close_release(struct runner *r, int64_t now_ms);
void close_save(struct runner *r);
/* What close_save() kept isn't true any more. */
void close_forget(struct runner *r);

#endif
