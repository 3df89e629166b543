/* Events go through the state machine, and what comes out is done. */
#ifndef LOOPKEEPER_KEEPER_STEP_H
#define LOOPKEEPER_KEEPER_STEP_H

#include "keeper/self.h"

/* One event; death says what of (EVENT_EXIT, EVENT_STUCK), else NULL. Events
 * that follow from what is done at once are stepped too. */
void step_event(struct keeper *k, enum component_event event,
    const struct component_death *death);

/* The daemon's wish. */
void step_want(struct keeper *k, enum component_want want, bool by_operator);

/* Another schedule may hold now. */
void step_reschedule(struct keeper *k);

/* Configuration and wish have come: from here on the state machine runs,
 * where the keeper before left it. */
void step_begin(struct keeper *k);

/* SIGKILL to what is left, as often as it takes. */
void step_kill(struct keeper *k);

/* The component is to be stopped, then the keeper is to end. For room_ms after
 * the signal it does nothing: so all of a large fleet are told to stop, and do,
 * before a keeper begins to tidy up. */
void step_leave(struct keeper *k, int64_t room_ms);

#endif
