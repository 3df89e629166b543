/* What a worker says of itself while it runs (tokens, money, its end), and what
 * follows from it and from its time. */
#ifndef LOOPKEEPER_AGENTS_LOOP_SPEND_H
#define LOOPKEEPER_AGENTS_LOOP_SPEND_H

#include "agents/loop/runner.h"

void spend_watch(struct runner *r, int64_t now_ms);
/* It has ended. */
void spend_end(struct runner *r, int64_t now_ms);
/* The attempt is over: its alerts go. */
void spend_forget(struct runner *r);

#endif
