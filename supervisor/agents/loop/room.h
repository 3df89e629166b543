/* Whether the machine has room for one more worker: disk, memory, load and
 * descriptors. */
#ifndef LOOPKEEPER_AGENTS_LOOP_ROOM_H
#define LOOPKEEPER_AGENTS_LOOP_ROOM_H

#include "agents/loop/runner.h"

/* If not, it is noted as the trouble (trouble.h). What can't be known doesn't
 * hold anybody up. */
bool room_ask(struct runner *r, int64_t now_ms);

#endif
