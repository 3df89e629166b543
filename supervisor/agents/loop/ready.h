/* Before a claim: what an earlier attempt left is safe, both trees are at the
 * integration branch's tip, and setup has been run in them. */
#ifndef LOOPKEEPER_AGENTS_LOOP_READY_H
#define LOOPKEEPER_AGENTS_LOOP_READY_H

#include "agents/loop/runner.h"

/* Returns whether all is ready; else a job was started, or trouble was noted.
 */
bool ready_make(struct runner *r, int64_t now_ms);
/* The setup command before a claim has ended. */
void ready_set_up(struct runner *r, int64_t now_ms);

#endif
