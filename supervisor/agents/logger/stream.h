/*
 * One pipe of a component's output on its way into the log. A turn looks at
 * what is in the pipe with tee(2), writes whole lines of it, and takes out
 * what was written; so whatever isn't in the log yet is in the pipe, which the
 * keeper holds. A turn's work is bounded: who floods is only served again
 * after everybody else.
 *
 * Nothing here sets O_NONBLOCK: the pipe's read end is one open file with the
 * keeper's. Every look at it says so by a flag of its own.
 */
#ifndef LOOPKEEPER_AGENTS_LOGGER_STREAM_H
#define LOOPKEEPER_AGENTS_LOGGER_STREAM_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "agents/logger/journal.h"
#include "base/line.h"
#include "model/config.h"

#define STREAM_CHUNK	  65536 /* bytes looked at in one turn */
#define STREAM_PARTIAL_MS 1000	/* how long a line without end may wait */

enum stream_result {
	STREAM_MORE,	/* something was written; look again */
	STREAM_EMPTY,	/* nothing is there */
	STREAM_PARTIAL, /* the beginning of a line is there, and waits */
	STREAM_STALLED, /* the log can't be written: errno */
	STREAM_END,	/* empty, and nobody can write to it any more */
};

/* What a stream waits for is the list it is in. */
enum stream_wait {
	WAIT_EVENT,   /* in no list: something comes into the pipe */
	WAIT_TURN,    /* its turn */
	WAIT_PARTIAL, /* the rest of a line, until partial_ms */
	WAIT_SPACE,   /* the log can be written again */
	WAIT_NOTHING, /* closed */
};

struct source;

struct stream {
	TAILQ_ENTRY(stream) entry; /* in the list that `wait` says */
	enum stream_wait wait;
	enum line_stream mark;
	struct source *source; /* whose output it is */
	int fd;		       /* owned; -1: closed */
	uint64_t key;	       /* in the event loop; 0: none */
	uint64_t pipe;	       /* its inode */
	int64_t partial_ms; /* the line without end is written; 0: there's none
			     */
	bool stalled;	    /* the last write failed */
	uint64_t dropped;   /* bytes, since the last write that succeeded */
	bool flush;	    /* what is there is written to the last byte */
};
TAILQ_HEAD(stream_list, stream);

/* What all streams share: there is one chunk on its way at a time. */
struct stream_desk {
	struct journal journal;
	int logsdir;   /* owned */
	int pipe[2];   /* tee(2) needs one; empty between turns; owned */
	int pipe_size; /* of it */
	char in[STREAM_CHUNK];
	char out[2 * STREAM_CHUNK];
};

/* Opens STATE/logs (made if need be), the pipe and the journal. Returns 0, or
 * -1 with errno: EAGAIN another logger lives. */
int desk_open(struct stream_desk *desk, int rundir, const char *state);
void desk_close(struct stream_desk *desk);

/* Takes fd over as stream s, and what an earlier logger owes it out of it.
 * Returns 0, or -1 with EINVAL when fd is no pipe; it is then closed. */
int stream_attach(struct stream *s, struct stream_desk *desk, int fd);

/*
 * One turn: writes at most one chunk into the log of that component. With
 * log->when_full = drop, a log that can't be written and a full pipe cost the
 * chunk; the log tells of it as soon as it can be written again.
 */
enum stream_result stream_turn(struct stream *s, struct stream_desk *desk,
    const char *name, const struct config_log *log, int64_t now_ms);

#endif
