/*
 * What is left of the processes of a dead predecessor. Under a keeper nothing
 * ever is: a successor starts when the tree is empty. A loop that was run
 * alone in a terminal and killed leaves what its worker started to init; that
 * of it which still has the loop's directory in its environment is ended here,
 * whatever the database knows of it.
 *
 * And what an attempt leaves that isn't below its loop: a server of somebody
 * else's that was given its environment has run it.
 */
#ifndef LOOPKEEPER_AGENTS_COMMON_LEFTOVERS_H
#define LOOPKEEPER_AGENTS_COMMON_LEFTOVERS_H

#include "agents/common/agent.h"

/* Ends them and waits until they are gone. Returns 0, or -1 when one may be
 * there still. */
int leftovers_end(struct agent *a, const char *directory);

/* The same for what bears the attempt's id; names (size bytes) becomes a list
 * of what was ended: "sleep 99 (pid 12)". */
int leftovers_end_attempt(
    struct agent *a, const char *attempt_id, char *names, size_t size);

#endif
