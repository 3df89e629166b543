/* Between two tests: who died before us, whether we may work, what next. */
#ifndef LOOPKEEPER_AGENTS_LOOP_IDLE_H
#define LOOPKEEPER_AGENTS_LOOP_IDLE_H

#include "agents/loop/runner.h"

/* The way to a claim, or to the end. */
void idle_step(struct runner *r, int64_t now_ms);

#endif
