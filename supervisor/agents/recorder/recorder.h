/*
 * loopkeeper-recorder: moves the spool into the database, keeps the tables
 * component_health and loops true, passes heartbeats on that come by database
 * or file, repairs after deaths, and lets the database go while it is
 * released. It judges nobody and restarts nobody. A database that can't be
 * had never ends it: it says so, and keeps the spool.
 *
 * It sleeps until something happens: a file in a spool directory or `wanted`
 * changes, the wall clock is set, or one of its own moments comes.
 */
#ifndef LOOPKEEPER_AGENTS_RECORDER_RECORDER_H
#define LOOPKEEPER_AGENTS_RECORDER_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/recorder/logbook.h"
#include "agents/recorder/views.h"
#include "base/path.h"
#include "conf/conf.h"
#include "store/intake.h"
#include "store/store.h"
#include "system/loop.h"

#define RECORDER_SOURCES 4
#define RECORDER_BUSY_MS                                    \
	900 /* what isn't committed by then is kept on disk \
	     */

enum recorder_database {
	DATABASE_CLOSED, /* to be opened at open_ms */
	DATABASE_OPEN,
	DATABASE_RELEASING, /* closed; others still have it open */
	DATABASE_RELEASED,  /* held, so that nobody can open it */
};

struct recorder {
	char state_directory[PATH_SIZE];
	struct logbook log;
	struct loop loop;
	struct loop_source sources[RECORDER_SOURCES];
	bool stopping;

	enum recorder_database database;
	struct store store; /* while DATABASE_OPEN */
	int guard_fd;	    /* the exclusive lock, while released; else -1 */
	bool opened_once;
	bool failing; /* the last try with the database failed, and was told */
	int64_t failing_ms;   /* since when */
	int64_t away_ms;      /* the daemon was told of that; 0: not */
	bool unkept;	      /* the same for keeping events on disk */
	int64_t releasing_ms; /* since when */

	struct intake intake;
	struct views views;

	int inotify_fd; /* -1: none to be had, looks are by time */
	uint64_t inotify_key;
	int state_watch; /* of STATE, for `wanted` */
	size_t news;	 /* seen since the last look into the spool */
	int64_t news_ms; /* the first of them, if there are any */
	bool run_watched;
	bool disk_watched;
	int clock_fd; /* readable when the wall clock is set; -1 */

	/* Moments, CLOCK_MONOTONIC ms; 0: not due. */
	int64_t intake_ms; /* look into the spool */
	int64_t retry_ms;  /* while failing: the database is tried again */
	int64_t open_ms;   /* open, release or take back: database_due() */
	int64_t truth_ms;
	int64_t beats_ms;
	int64_t leases_ms; /* prolong locks, and remove what is over */
	int64_t watch_ms;  /* spool directories that couldn't be watched */
	int64_t watchdog_ms;
	int64_t watchdog_every_ms;
	char mode[16]; /* the fleet's, as the database was told; "" not yet */
};

/* Opens everything but the database. Returns 0, or -1 after saying why. */
int recorder_open(struct recorder *r, const char *state_directory);

/* Until it is told to end; then the spool is drained. Returns 0, or -1. */
int recorder_run(struct recorder *r);
void recorder_close(struct recorder *r);

/* The configuration as its file is now, path or with NULL the keeper's, to be
 * freed by conf_free(); NULL when there is none, or none without faults. */
struct conf *recorder_conf(const char *path);

/* One finding of a check or repair, for the logbook of recorder. */
void recorder_say(const char *line, void *recorder);

/* ms from now, unless it is due sooner. */
void recorder_due(int64_t *moment, int64_t in_ms);

#endif
