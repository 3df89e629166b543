/*
 * Whose turn it is: `after` orders the start by readiness, and the end by what
 * is gone. The arithmetic is in model/order.h.
 */
#ifndef LOOPKEEPER_DAEMON_TURNS_H
#define LOOPKEEPER_DAEMON_TURNS_H

#include <stddef.h>

struct daemon;

/* Says `go` to every component whose `after` is satisfied and who hasn't heard
 * it. */
void turns_start(struct daemon *d);

/*
 * Dismisses every component that is no housekeeping and behind which nothing
 * lives any more. Returns how many of them still live.
 */
size_t turns_stop(struct daemon *d);

#endif
