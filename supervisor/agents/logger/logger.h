/*
 * The logger's one loop: wait, collect, serve each stream that has something
 * one chunk, then look at the clock. Streams are served in turn; nothing in it
 * waits for a keeper or for a disk that is full.
 */
#ifndef LOOPKEEPER_AGENTS_LOGGER_LOGGER_H
#define LOOPKEEPER_AGENTS_LOGGER_LOGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/logger/source.h"
#include "agents/logger/stream.h"
#include "base/log.h"
#include "base/path.h"
#include "model/config.h"
#include "system/loop.h"

#define LOGGER_SOURCES (3 * CONFIG_COMPONENTS_MAX + 1)

enum logger_kind { KIND_KEEPER, KIND_STREAM, KIND_DIRECTORY };

struct logger {
	struct loop loop;
	struct loop_source *slots; /* LOGGER_SOURCES; owned */
	struct log log;
	const char *self; /* the logger's own component, which it leaves alone;
			     may be "" */
	char state[PATH_SIZE];
	int rundir;	/* owned */
	int components; /* run/c; owned */
	int inotify;	/* owned; -1: looked through every SCAN_MS instead */
	uint64_t inotify_key;
	int64_t scan_ms; /* next look through run/c; 0: inotify tells */
	struct source_list sources;
	struct stream_list turns;   /* something is there */
	struct stream_list partial; /* soonest partial_ms first */
	struct stream_list stalled; /* their logs can't be written */
	int64_t stalled_retry_ms;   /* 0: none is stalled */
	int64_t stalled_backoff_ms;
	size_t nstalled;  /* streams whose last write failed */
	int64_t retry_ms; /* of the sources, the soonest or before; 0: none */
	int64_t watchdog_ms; /* how often; 0: never */
	int64_t next_watchdog_ms;
	int64_t now_ms; /* when the turn began */
	struct stream_desk desk;
};

/*
 * Opens everything below state. self is the name of the logger's own
 * component or "". Returns 0, or -1 after saying why.
 */
int logger_open(struct logger *l, const char *state, const char *self);
void logger_close(struct logger *l);

/* Serves until SIGTERM or SIGINT, then writes what is in the pipes. */
void logger_run(struct logger *l);

/* Moves s to where it waits now. */
void logger_wait(struct logger *l, struct stream *s, enum stream_wait wait);

/* Has source_retry() called at at_ms (0: not). */
void logger_retry(struct logger *l, struct source *source, int64_t at_ms);

/* s could, or could not (error is then an errno), be written. */
void logger_stall(struct logger *l, struct stream *s, int error);
void logger_recover(struct logger *l, struct stream *s);

#endif
