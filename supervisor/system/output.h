/*
 * A component's output: two pipes whose both ends the keeper holds, so that
 * the death of a logger never means EPIPE and nothing is lost between two of
 * them. It is the logger that reads; the keeper only looks.
 */
#ifndef LOOPKEEPER_SYSTEM_OUTPUT_H
#define LOOPKEEPER_SYSTEM_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum output_stream { OUTPUT_STDOUT, OUTPUT_STDERR };
#define OUTPUT_STREAMS 2

struct output {
	int read_fd[OUTPUT_STREAMS];  /* owned, non-blocking */
	int write_fd[OUTPUT_STREAMS]; /* owned; what the component gets */
	/* What output_keep() set aside, until output_save(). Read end, write
	 * end; -1: nothing. */
	int kept_fd[OUTPUT_STREAMS][2];
	bool empty[OUTPUT_STREAMS]; /* its tail's file is there, and empty */
};

/* Makes the pipes, of size bytes where that is allowed (0: the default).
 * Returns 0, or -1 with pipe(2)'s errno. */
int output_open(struct output *o, int size);
void output_close(struct output *o);

/*
 * Goes on with the pipes of a keeper that has died, whose read ends these are,
 * in the place of its own: what waits in them is not lost. Takes read_fd over,
 * on failure too. Returns 0, or -1 with errno and o as it was.
 */
int output_take_over(struct output *o, const int read_fd[OUTPUT_STREAMS]);

/*
 * Before each start: undoes what the one before may have done to the write
 * ends (O_NONBLOCK). With has_user they are given to uid and gid, so that
 * /dev/stdout can be opened. Returns 0, or -1 with errno.
 */
int output_prepare(const struct output *o, bool has_user, uid_t uid, gid_t gid);

/* Bytes that wait in a stream. */
size_t output_pending(const struct output *o, enum output_stream stream);

/* Whether a write to either stream, or to this one, would block now. */
bool output_is_full(const struct output *o);
bool output_stream_is_full(const struct output *o, enum output_stream stream);

/* A number that stays the same as long as nobody reads from a full stream. */
uint64_t output_mark(const struct output *o);

/*
 * Sets aside a copy of what waits in both streams (tee(2): no byte is copied
 * or taken); where nothing waits, an earlier copy stays. Cheap enough to be
 * done between a death and the next start.
 */
void output_keep(struct output *o);

/* Writes what was set aside to dirfd/tail.stdout and tail.stderr, replacing
 * what was there; no file where nothing waited. Returns 0, or -1 with errno. */
int output_save(struct output *o, int dirfd);

/* Lets go of what was set aside. */
void output_forget(struct output *o);

/* Throws away what waits in a stream; returns how many bytes that were. */
uint64_t output_drop(const struct output *o, enum output_stream stream);

#endif
