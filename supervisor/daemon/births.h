/* The birth of keepers: forked from the daemon, without an exec. */
#ifndef LOOPKEEPER_DAEMON_BIRTHS_H
#define LOOPKEEPER_DAEMON_BIRTHS_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct link;

/* What all keepers are born with; once, when d knows it. Returns 0, or -1 with
 * errno. */
int births_prepare(struct daemon *d);

/*
 * Whether l may have a keeper now: the start is that far, and nothing lives of
 * what the one before left behind.
 */
bool births_may(const struct daemon *d, const struct link *l);

/* Forks the keeper of l, which has none, and tells it everything. Where that
 * fails, l->fork_ms is put off. */
void births_fork(struct daemon *d, struct link *l, int64_t now_ms);

#endif
