/* Why the fleet's mode is what it is, in the words that `status` shows. */
#ifndef LOOPKEEPER_CLI_MODE_REASON_H
#define LOOPKEEPER_CLI_MODE_REASON_H

#include "cli/overview.h"

/*
 * Writes o->mode_reason: "monitor down 4m: 60s between tests, no overlapping
 * files"; "" in mode normal. The daemon decides; this only finds its reason.
 */
void mode_reason_explain(struct overview *o);

#endif
