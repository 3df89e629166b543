/* The client's side of sd_notify(3): for our own agents and the daemon. */
#ifndef LOOPKEEPER_SYSTEM_NOTIFY_SEND_H
#define LOOPKEEPER_SYSTEM_NOTIFY_SEND_H

#include <stdint.h>

/*
 * Sends state ("READY=1\nSTATUS=...") to $NOTIFY_SOCKET. Never blocks.
 * Returns 1 when sent, 0 when there is no such variable, -1 with sendmsg(2)'s
 * errno.
 */
int notify_send(const char *state);

/* The same to path, which reads as that variable does; NULL or "": nobody. */
int notify_send_to(const char *path, const char *state);

/*
 * How often WATCHDOG=1 is due, in ms: half of $WATCHDOG_USEC if it is meant
 * for this process ($WATCHDOG_PID, sd_watchdog_enabled(3)); 0 when none is.
 */
int64_t notify_watchdog_ms(void);

#endif
