/*
 * The daemon as a child of somebody else's supervisor: sd_notify to the socket
 * it was started with, which its own children never see. Nothing happens where
 * there is none.
 */
#ifndef LOOPKEEPER_DAEMON_SYSTEMD_H
#define LOOPKEEPER_DAEMON_SYSTEMD_H

#include <stdint.h>

struct daemon;

/* Remembers socket and watchdog, and makes d->environment, which has neither.
 * Returns 0, or -1 with malloc(3)'s errno. */
int systemd_init(struct daemon *d);

void systemd_ready(struct daemon *d);
void systemd_reloading(struct daemon *d);
void systemd_stopping(struct daemon *d);

/* The fleet in one line has changed. */
void systemd_status(struct daemon *d);

/* Tells that the loop turns, when it is due. */
void systemd_watchdog(struct daemon *d, int64_t now_ms);

#endif
