/*
 * Strangers: children of ours, or of the guardian, that are neither a keeper
 * nor a helper. They are what a dead keeper (or a daemon before us) left
 * behind: everything below it fell to us. Before a successor is forked, all of
 * them are ended; there is no other way in which one could have come here.
 */
#ifndef LOOPKEEPER_DAEMON_STRANGERS_H
#define LOOPKEEPER_DAEMON_STRANGERS_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/*
 * Sends SIGKILL to each that is there. Sets d->clear_ms to when to look again
 * if there were any, 0 if none is left. To be called at each SIGCHLD while it
 * isn't 0, too.
 */
void strangers_end(struct daemon *d, int64_t now_ms);

#endif
