/*
 * All that a keeper is, in one piece of memory that is made at its birth and
 * never grows. Pages that are never touched cost nothing, so the buffers may
 * be as large as the largest case.
 *
 * The parts, by file: birth.c brings it to life, keeper.c holds the loop,
 * step.c takes events through the state machine and does what comes out,
 * start.c starts the component, reap.c sees who has died, hear.c listens to
 * the component, judge.c to its silence, peers.c talks to daemon and logger,
 * record.c and evidence.c write down what happened.
 */
#ifndef LOOPKEEPER_KEEPER_SELF_H
#define LOOPKEEPER_KEEPER_SELF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "keeper/keeper.h"
#include "model/component.h"
#include "model/config.h"
#include "system/cgroup.h"
#include "system/loop.h"
#include "system/notify.h"
#include "system/output.h"
#include "system/spawn.h"
#include "system/spool.h"
#include "system/status.h"

#define KEEPER_PEERS   8
#define KEEPER_SOURCES (KEEPER_PEERS + 8)
#define KEEPER_NOTES   16
#define KEEPER_STRINGS 32768 /* what is composed for the environment */
#define KEEPER_WORDS   16384 /* of its birth */
/* Those, a configuration, its pointers (a string has two bytes at least) and
 * those of a large inherited environment, strings. */
#define KEEPER_SPACE (KEEPER_WORDS + CONFIG_SIZE_MAX * 8 + KEEPER_STRINGS)

enum keeper_source {
	SOURCE_STARTUP, /* the error pipe of a start */
	SOURCE_NOTIFY,
	SOURCE_LISTEN,
	SOURCE_PEER,
	SOURCE_MAIN,   /* pidfd of a main process that isn't our child */
	SOURCE_OUTPUT, /* something came into a pipe (when_full = drop) */
	SOURCE_ROOM,   /* a pipe that was full had room */
};

/* Somebody connected: the daemon, the logger, or one that hasn't said yet. */
struct keeper_peer {
	int fd; /* owned; -1: free */
	uint64_t key;
	bool is_daemon;
	bool is_logger;
	bool has_pipes;	 /* the logger got its descriptors */
	bool is_waiting; /* for room to write to it */
};

/* An event to tell, with the picture of its moment. It is written when there
 * is time for it: after the fork of a successor, not before. */
struct keeper_note {
	const char *type;
	const char *reason; /* NULL: what the death says */
	int64_t wall_ms;    /* when: others act on it before it is written */
	enum component_state state;
	enum component_circuit circuit;
	struct component_death death;
	pid_t pid;
	uint64_t restarts;
	int32_t level;
	int64_t next_ms;
};

/* What is remembered of the process that has died, for the black box. */
struct keeper_dead {
	bool due;      /* the black box is to be written */
	bool has_proc; /* its snapshot has been taken already */
	bool fallback;
	pid_t pid;
	int error; /* ERRNO= */
	int64_t started_ms;
	char status[STATUS_TEXT_SIZE];
};

struct keeper {
	/* What it was born with; the texts are in space[]. */
	const char *name;
	const char *run_directory;
	const char *state_directory;
	const char *config_path;
	char **environment;
	uint64_t nofile_soft;
	struct loop loop;
	struct loop_source sources[KEEPER_SOURCES];
	pid_t self;
	int dirfd;     /* run/c/NAME */
	int lock_fd;   /* held for life */
	int listen_fd; /* run/c/NAME/keeper */
	struct keeper_peer peers[KEEPER_PEERS];

	/* What the daemon said. */
	bool has_config;
	struct component_config *config; /* in space */
	/* The part of it that WATCHDOG_USEC= may change until the next start.
	 */
	enum config_heartbeat heartbeat;
	int64_t heartbeat_timeout_ms;
	int64_t heartbeat_late_ms;
	int64_t interval_ms; /* changed to; 0: it wasn't, -1: none is due */
	bool has_want;
	bool alive;	    /* both are known: the state machine runs */
	bool go;	    /* GO came before it did */
	const char *broken; /* what component_check() said last */
	bool ended;	    /* nobody is to go on from the record */
	bool leaving;	    /* dismissed: ends when nothing is left */
	enum component_want want;

	/* What the component is. */
	struct component c;
	bool inherited; /* old holds what the keeper before knew */
	struct component old;
	pid_t pid;   /* main process; 0: none */
	pid_t child; /* the one we forked; 0: reaped */
	uint64_t pid_start;
	uint64_t start_hash; /* of the configuration it was started with */
	bool childless; /* waitid(2) said so, and nothing was forked since */
	int main_fd;	/* pidfd of a main process that isn't our child; -1 */
	uint64_t main_key;
	int startup_fd; /* of the start that is under way; -1: none */
	uint64_t startup_key;
	struct spawn_failure failure; /* of this start; .stage 0: none */
	bool notify_refused;	      /* told for this start */
	pid_t refused_pid; /* which may not be signalled (EPERM); 0 */
	int64_t hold_ms;   /* what is to be told waits until then; 0: no */
	int64_t deaf_ms;   /* signals are not heard until then; 0: they are */
	int64_t ending_ms; /* it said STOPPING=1: to be gone by; 0: no */
	int64_t look_ms;   /* was blocked by its output: look again; 0: no */
	int64_t drop_ms;   /* when to look at its output again; 0: never */
	uint64_t output_key[OUTPUT_STREAMS];
	uint64_t room_key[OUTPUT_STREAMS];
	uint64_t output_mark; /* of full pipes, when last looked at */
	bool output_had_room; /* since then */
	uint32_t random;
	int error; /* ERRNO= of this start */

	struct status_writer status;
	struct status_record record;
	bool changed; /* record is to be written */
	bool news;    /* and the daemon to be told */
	struct keeper_note notes[KEEPER_NOTES];
	int nnotes;
	struct keeper_dead dead;
	bool no_proc; /* the file `proc` isn't there */
	struct spool spool;

	struct cgroup cgroup;
	struct output output;
	struct spawn spawn;	    /* ready for the next start */
	struct spawn_failure unfit; /* why none is possible; .stage 0: none */
	char **command;
	char **fallback;
	char **pointers; /* of command, fallback and environment */
	size_t npointers;
	size_t maxpointers;
	char *strings; /* what is composed for the environment */
	size_t nstrings;
	struct notify notify;

	/* The words of its birth, the configuration, its pointers and strings:
	 * close together, as most of the room is never touched. */
	size_t nwords;
	_Alignas(16) char space[KEEPER_SPACE];
	/* What lasts no longer than one call. */
	union {
		_Alignas(4096) char received[CONFIG_SIZE_MAX];
		struct notify_space notify_space;
		struct event event;
	};
};

#endif
