/*
 * One component as the logger knows it: the connection to its keeper and its
 * two streams. The connection is there to get the pipes, to hear when the
 * component has ended, and to notice a new keeper; a keeper that hangs keeps
 * nobody else waiting.
 */
#ifndef LOOPKEEPER_AGENTS_LOGGER_SOURCE_H
#define LOOPKEEPER_AGENTS_LOGGER_SOURCE_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "agents/logger/stream.h"

struct logger;

struct source {
	LIST_ENTRY(source) entry; /* in the logger's list */
	char name[TEXT_NAME_MAX + 1];
	int fd;		  /* to the keeper; owned; -1: none */
	uint64_t key;	  /* of fd in the event loop */
	int watch;	  /* inotify, for a new keeper's socket; -1: none */
	int64_t retry_ms; /* connect again, or give the old pipes up; 0: not */
	int64_t backoff_ms;
	bool complained;	  /* since it was connected last */
	struct config_log log;	  /* as the keeper said */
	struct stream streams[2]; /* stdout, stderr */
};
LIST_HEAD(source_list, source);

/* Makes the source of a component that appeared and connects. Returns 0, or
 * -1 with ENOMEM. */
int source_new(struct logger *l, const char *name);

/* Its directory is gone, and nothing is left to read: forgets it. */
void source_free(struct logger *l, struct source *source);

/* Something came over the connection: all of it is read. */
void source_receive(struct logger *l, struct source *source);

/* retry_ms is over, or a new socket appeared. May free the source. */
void source_retry(struct logger *l, struct source *source);

/* Its stream s gave STREAM_END, or is given up. May free the source. */
void source_end_stream(struct logger *l, struct stream *s);

#endif
