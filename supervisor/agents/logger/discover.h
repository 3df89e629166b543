/*
 * Finding components: run/c has one directory per component. inotify tells of
 * new ones, and of the socket of a new keeper; where the machine has no
 * inotify instance left, the directory is looked through now and then.
 */
#ifndef LOOPKEEPER_AGENTS_LOGGER_DISCOVER_H
#define LOOPKEEPER_AGENTS_LOGGER_DISCOVER_H

#include "agents/logger/logger.h"

/* Opens run/c and its watch. Returns 0, or -1 with open(2)'s errno; no inotify
 * is no error. */
int discover_open(struct logger *l);

/* Looks through run/c once: connects to those not yet known. */
void discover_scan(struct logger *l);

/* Reads what inotify has to tell. */
void discover_read(struct logger *l);

/* Has inotify tell of a new socket in that component's directory. dirfd is the
 * directory. */
void discover_watch(struct logger *l, struct source *source, int dirfd);
void discover_unwatch(struct logger *l, struct source *source);

#endif
