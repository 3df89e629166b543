/*
 * What loop, monitor and PM have in common: they read the configuration, tell
 * the keeper that they live, listen for signals, follow the fleet's mode, and
 * have the coordination database open as long as it is to be had. Each also
 * runs alone in a terminal, without a supervisor.
 */
#ifndef LOOPKEEPER_AGENTS_COMMON_AGENT_H
#define LOOPKEEPER_AGENTS_COMMON_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/common/news.h"
#include "base/log.h"
#include "base/text.h"
#include "conf/conf.h"
#include "model/mode.h"
#include "store/store.h"
#include "system/loop.h"
#include "system/spool.h"

#define AGENT_SOURCES 4

struct agent {
	char name[TEXT_NAME_MAX + 1]; /* of the component: "loop-1" */
	struct log log;
	struct conf *conf;
	char state_directory[PATH_SIZE];
	struct loop loop;
	struct loop_source sources[AGENT_SOURCES];
	struct news news;
	bool stopping;	/* told to end (TERM, INT, HUP) */
	bool child_due; /* SIGCHLD came since agent_wait() began */
	struct spool spool;
	enum mode mode;	     /* as of the last agent_look() */
	bool draining;	     /* paused, or to be after the present test */
	struct store store;  /* open unless agent_database() says -1 */
	int64_t retry_ms;    /* it failed: not tried again before this */
	int64_t told_ms;     /* when that was told; 0: nothing to tell */
	int64_t watchdog_ms; /* WATCHDOG=1 is due so often; 0: never */
	int64_t beat_ms;     /* the next one; 0: none */
	char status[160];    /* what STATUS= said last */
};

/*
 * Reads the command line (`PROGRAM [-c FILE] [NAME]`), the configuration and
 * the environment, blocks signals, opens event loop and spool. name_default
 * (NULL: NAME is needed) is used where neither the command line nor
 * $LOOPKEEPER_COMPONENT names one. Returns 0, or an exit code after an error
 * on stderr.
 */
int
agent_begin(struct agent *a, int argc, char **argv, const char *name_default);
void agent_finish(struct agent *a);

/*
 * Waits for a signal until deadline_ms, sending WATCHDOG=1 whenever it is due;
 * with `idle` also for news (news.h), and then deadline_ms may be 0: none.
 * Returns after each wake-up of its caller's concern: 0, or -1 after an error
 * on stderr.
 */
int agent_wait(struct agent *a, int64_t deadline_ms, bool idle);

/* Reads mode and `wanted` again; true when either changed. In mode file-based
 * the database is closed. */
bool agent_look(struct agent *a);

/*
 * Opens the database unless it is open, and anew when another file lies there
 * now. Returns 0, or -1 when it can't be had
 * now (its lock, pause, mode file-based): told on stderr, once a minute at
 * most, and tried again not before retry_ms.
 */
int agent_database(struct agent *a);

/* A call of store/ failed while doing what: tells it on stderr; what was lost
 * is opened again. */
void agent_failed(struct agent *a, const char *what);

/* STATUS= for the keeper, if it is news. */
void agent_status(struct agent *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* WATCHDOG=1 if it is due: for whoever works for long without agent_wait(). */
void agent_beat(struct agent *a);

/* READY=1. */
void agent_ready(struct agent *a);

#endif
