/* What is told of a candidate that doesn't apply to what was merged first. */
#ifndef LOOPKEEPER_AGENTS_LOOP_CLASH_H
#define LOOPKEEPER_AGENTS_LOOP_CLASH_H

#include "agents/loop/runner.h"

/* It doesn't apply to that commit, the new tip: whose work is in the way, and
 * in which files. What can't be known or written now isn't told. */
void clash_tell(struct runner *r, const char *tip);

#endif
