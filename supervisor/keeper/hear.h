/* What the component says over its notify socket. */
#ifndef LOOPKEEPER_KEEPER_HEAR_H
#define LOOPKEEPER_KEEPER_HEAR_H

#include "keeper/self.h"

/* Reads and obeys all that waits; max bounds it, so that one that floods us
 * leaves time for the rest. */
void hear_drain(struct keeper *k, size_t max);

/* What WATCHDOG_USEC= has said since the start, if anything, goes before what
 * the configuration says. */
void hear_keep_interval(struct keeper *k);

#endif
