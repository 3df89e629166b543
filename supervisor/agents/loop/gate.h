/* Whether anything may be claimed: room on the machine, a branch to build on,
 * money, and a provider that can be had. */
#ifndef LOOPKEEPER_AGENTS_LOOP_GATE_H
#define LOOPKEEPER_AGENTS_LOOP_GATE_H

#include "agents/loop/runner.h"
#include "store/gates.h"

/* Whether it may now; r->hold tells for whom it waits. */
bool gate_ask(struct runner *r, int64_t now_ms);
/* Whether it may with another preset than the loop's first, which then isn't
 * tried any more; ret_why tells why not. */
bool gate_change(struct runner *r, const struct worker_preset *preset,
    char ret_why[static GATE_TEXT_SIZE]);
/* It wasn't allowed, but somebody has changed the database since: a gate may
 * have been opened, or a budget raised. */
bool gate_may_be_open(struct runner *r);
/* Whether the day's budget is spent, this attempt's cost being written. */
bool gate_is_day_spent(struct runner *r);

/* How the worker fared with its provider. A trial of a closed one is over with
 * it: it is open, or closed anew, or for another loop to try. */
void gate_answer(struct runner *r);
/* What is to close its gate, and couldn't be written then, is now. Returns 0,
 * also when there is nothing, or -1: still not. */
int gate_tell(struct runner *r);
/* An attempt ended on a conflict with others: in mode conservative nothing is
 * claimed after that. */
void gate_conflict(struct runner *r, const char *detail);
/* It was let in to try a closed provider, and had nothing to try it with. */
void gate_leave(struct runner *r);

#endif
