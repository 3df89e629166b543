/*
 * The lines of the fleet's spools as they are written: in the run directory,
 * in its folders for components that have a user of their own, and beside the
 * database where the recorder keeps what it can't commit. inotify only tells
 * that something has grown; then all files are looked at. Only reads, and
 * never keeps one open.
 */
#ifndef LOOPKEEPER_CLI_SPOOL_TAIL_H
#define LOOPKEEPER_CLI_SPOOL_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/path.h"

struct spool_tail {
	int fd;		 /* inotify; owned; -1: it is read only once */
	int state_watch; /* the state directory, for the database */
	char state_directory[PATH_SIZE];
	struct spool_tail_file *files; /* those of the last look; owned */
	size_t nfiles;
	bool blind;   /* there is no spool in the run directory (yet) */
	bool stirred; /* the database was written to; the owner clears it */
};

/* Begins at the start of what lies there; follows it, or not: the kernel takes
 * 10 ms and more to end that. Returns 0, or -1 with errno. */
int spool_tail_open(
    struct spool_tail *t, const char *state_directory, bool follows);
void spool_tail_close(struct spool_tail *t);

/*
 * Hands over every whole line that is new, newline cut off. Never blocks. What
 * can't be read, or is in one file too many, comes by the database later.
 */
void spool_tail_read(struct spool_tail *t,
    void (*each)(char *line, void *argument), void *argument);

#endif
