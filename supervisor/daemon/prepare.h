/*
 * What the daemon needs before its loop can turn: the state directory's lock,
 * the run directory, the loop itself and the control socket, which nobody is
 * let in by yet.
 */
#ifndef LOOPKEEPER_DAEMON_PREPARE_H
#define LOOPKEEPER_DAEMON_PREPARE_H

struct daemon;

/* Returns 0, or -1 after saying why not. */
int prepare(struct daemon *d);

#endif
