/*
 * What is left of the processes of a dead predecessor. Under a keeper nothing
 * ever is: a successor starts when the tree is empty. A loop that was run
 * alone in a terminal and killed leaves its worker's children to init; those
 * that still have the attempt's id in their environment are ended here.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_LEFTOVERS_H
#define LOOPKEEPER_AGENTS_LOOP_LEFTOVERS_H

#include "agents/common/agent.h"

/* Ends those of every attempt of this loop that is still open. Returns 0, or
 * -1 when the database couldn't be asked. */
int leftovers_end(struct agent *a);

#endif
