/* What time brings about: deadlines, heartbeats, output that nobody reads. */
#ifndef LOOPKEEPER_KEEPER_JUDGE_H
#define LOOPKEEPER_KEEPER_JUDGE_H

#include "keeper/self.h"

/* When judge_due() is to be called next; 0: not before something happens. */
int64_t judge_next_ms(const struct keeper *k);

/* Does what is due now. */
void judge_due(struct keeper *k);

/* The recorder saw the heartbeat unchanged for age_ms. */
void judge_seen(struct keeper *k, int64_t age_ms);

/* Something was written to the output of a component with when_full = drop.
 */
void judge_output(struct keeper *k);

/* Watches the output where the configuration asks for it. */
void judge_watch_output(struct keeper *k);

#endif
