/*
 * The check of the database and the recovery after a crash, which the
 * recorder's program does as a helper before anything starts. When it takes
 * over 10 s the fleet starts without it, in mode file-based, and without its
 * recorder, until it is done.
 */
#ifndef LOOPKEEPER_DAEMON_CHECK_H
#define LOOPKEEPER_DAEMON_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* Starts it where it is needed: not where an adopted recorder keeps the
 * database, nor where an operator holds it. */
void check_begin(struct daemon *d, int64_t now_ms);

/* Takes its findings when it is done. */
void check_step(struct daemon *d);

/* Whether the start still waits for it. */
bool check_holds_up(struct daemon *d, int64_t now_ms);

#endif
