/* What makes a candidate one that isn't even verified. */
#ifndef LOOPKEEPER_AGENTS_LOOP_REFUSAL_H
#define LOOPKEEPER_AGENTS_LOOP_REFUSAL_H

#include "agents/loop/changes.h"
#include "store/attempts.h"

/* Whether the candidate, which stands on its base still, is refused: 1 with why
 * in ret, 0, or -1 with git's error. */
int refusal_find(struct runner *r, const struct changes *c,
    char ret[static ATTEMPT_DETAIL_SIZE]);

#endif
