/*
 * The lines of the fleet's spools as they are written: in the run directory,
 * and beside the database where the recorder keeps what it can't commit. Told
 * by inotify which file has grown; only reads, and never keeps one open.
 */
#ifndef LOOPKEEPER_CLI_SPOOL_TAIL_H
#define LOOPKEEPER_CLI_SPOOL_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/path.h"

#define SPOOL_TAIL_DIRECTORIES 2
#define SPOOL_TAIL_FILES       8192 /* that are followed at once */

struct spool_tail_file {
	char name[96];
	int directory; /* index */
	off_t offset;  /* of the first byte that wasn't read */
};

struct spool_tail {
	int fd;				     /* inotify; owned */
	int watches[SPOOL_TAIL_DIRECTORIES]; /* -1: not there (yet) */
	int state_watch; /* the state directory, for the database */
	char paths[SPOOL_TAIL_DIRECTORIES][PATH_SIZE];
	struct spool_tail_file *files; /* SPOOL_TAIL_FILES of them; owned */
	size_t nfiles;
	bool stirred; /* the database was written to; the owner clears it */
};

/* Begins at the start of what lies there. Returns 0, or -1 with errno. */
int spool_tail_open(struct spool_tail *t, const char *state_directory);
void spool_tail_close(struct spool_tail *t);

/* Whether a spool directory isn't being watched because it isn't there. */
bool spool_tail_is_blind(const struct spool_tail *t);

/*
 * Hands over every whole line that is new, newline cut off. Never blocks. What
 * can't be read, or is in one file too many, comes by the database later.
 */
void spool_tail_read(struct spool_tail *t,
    void (*each)(char *line, void *argument), void *argument);

#endif
