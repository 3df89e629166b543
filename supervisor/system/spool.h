/*
 * Events on their way into the database. Each writer appends JSON lines to
 * files of its own, WRITER-N.jsonl in the spool directory, and never waits
 * for the recorder. Only the writer rotates (opens N+1), only the recorder
 * unlinks. The writer holds a POSIX lock on its current file: a file that
 * nobody has locked has no writer any more.
 */
#ifndef LOOPKEEPER_SYSTEM_SPOOL_H
#define LOOPKEEPER_SYSTEM_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "system/event.h"

#define SPOOL_ROTATE_BYTES (1024 * 1024)
#define SPOOL_LIMIT_BYTES  (16 * 1024 * 1024)
#define SPOOL_FILES_MAX	   64 /* of one writer; the limit is met far earlier */

struct spool {
	int dirfd;	  /* the spool directory; owned */
	int fd;		  /* current file; -1 until the first event */
	uint64_t n;	  /* of the current file */
	uint64_t oldest;  /* n of the oldest one not yet dropped */
	int64_t written;  /* bytes in the current file */
	bool torn;	  /* the last line has no newline yet */
	uint64_t dropped; /* events lost: limit or full disk */
	uint64_t told; /* of those, the number in the last line that says so */
	uint32_t counts[SPOOL_FILES_MAX]; /* events in file n, at n % size */
	char writer[TEXT_NAME_MAX + 16];  /* "keeper-loop-1", "daemon", ... */
};

/*
 * Takes dirfd over (it is closed by spool_close, on failure too). No file is
 * made before the first event. Returns 0, or -1 with ENAMETOOLONG.
 */
int spool_init(struct spool *s, int dirfd, const char *writer);

/* Opens the directory and calls spool_init(). -1 with open(2)'s errno. */
int spool_open(struct spool *s, const char *directory, const char *writer);
void spool_close(struct spool *s);

/*
 * Ends the event's line and appends it with one write. Rotates after
 * SPOOL_ROTATE_BYTES, and drops the oldest closed file of this writer beyond
 * SPOOL_LIMIT_BYTES (counted in dropped). Returns 0, or -1 with write(2)'s
 * errno; the event is then counted as dropped too. As soon as there is room, an
 * event resource_warning says how many were lost so far.
 */
int spool_add(struct spool *s, struct event *e);

#endif
