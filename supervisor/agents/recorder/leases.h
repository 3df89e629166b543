/* Locks of components that aren't loops, which renew theirs themselves. */
#ifndef LOOPKEEPER_AGENTS_RECORDER_LEASES_H
#define LOOPKEEPER_AGENTS_RECORDER_LEASES_H

#include "agents/recorder/recorder.h"

/* Prolongs them while their holders live, and removes locks and edges whose
 * time is over. To be called again at r->leases_ms. */
void leases_look(struct recorder *r);

#endif
