/*
 * What is left of the processes of a dead predecessor. Under a keeper nothing
 * ever is: a successor starts when the tree is empty. A loop that was run
 * alone in a terminal and killed leaves what its worker started to init; that
 * of it which still has the loop's directory in its environment is ended here,
 * whatever the database knows of it.
 */
#ifndef LOOPKEEPER_AGENTS_COMMON_LEFTOVERS_H
#define LOOPKEEPER_AGENTS_COMMON_LEFTOVERS_H

#include "agents/common/agent.h"

/* Ends them and waits until they are gone. Returns 0, or -1 when one may be
 * there still. */
int leftovers_end(struct agent *a, const char *directory);

#endif
