/*
 * Heartbeats that come by the database or by a file: how long each value has
 * been unchanged goes to the daemon, by our own monotonic clock. Nobody ages
 * while nobody could have written.
 */
#ifndef LOOPKEEPER_AGENTS_RECORDER_BEATS_H
#define LOOPKEEPER_AGENTS_RECORDER_BEATS_H

#include "agents/recorder/recorder.h"

/* Looks at all and reports. Sets r->beats_ms, 0 when there are none. */
void beats_look(struct recorder *r);

#endif
