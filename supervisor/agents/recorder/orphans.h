/* Loops that the configuration doesn't have any more, and that were in the
 * middle of something. */
#ifndef LOOPKEEPER_AGENTS_RECORDER_ORPHANS_H
#define LOOPKEEPER_AGENTS_RECORDER_ORPHANS_H

#include "agents/recorder/recorder.h"

/* Writes the outcomes that they left in STATE/spool: they have no successor
 * who would. Returns 0, or -1 with errno of store.h. */
int orphans_settle(struct recorder *r);

#endif
