/* What the database is told about the components: component_health, loops,
 * alerts; and the repairs that follow from it. */
#ifndef LOOPKEEPER_AGENTS_RECORDER_TELL_H
#define LOOPKEEPER_AGENTS_RECORDER_TELL_H

#include "agents/recorder/recorder.h"

/* Reads the records and writes what changed since. Sets r->truth_ms for the
 * next look at heartbeats. */
void tell_truth(struct recorder *r);

/* The database was found damaged while it was in use: says so in the spool. */
void tell_damaged(struct recorder *r);

#endif
