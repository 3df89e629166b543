/*
 * The start of the fleet, step by step: the lock, the run directory, the
 * configuration (by a helper), keepers of an earlier daemon (adopted), what
 * else is left of it (ended), the database (by a helper), and then a keeper
 * for everybody. The steps are the phases of daemon.h; a daemon that follows a
 * dead one goes through the same ones, and finds more.
 */
#ifndef LOOPKEEPER_DAEMON_START_H
#define LOOPKEEPER_DAEMON_START_H

#include <stdint.h>

struct daemon;

/* The first step; to be called when everything is prepared. */
void start_begin(struct daemon *d);

/* Starts the helper that reads the configuration. Returns 0, or -1 with the
 * reason in d->reader.errors. */
int start_read_config(struct daemon *d);

/* Goes on to the next phase if the present one is done. */
void start_step(struct daemon *d, int64_t now_ms);

#endif
