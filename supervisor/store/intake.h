/*
 * From the spool into table events. Two directories are read: the writers'
 * own (STATE/run/spool, on tmpfs, and the folders in it) and STATE/spool,
 * where what can't be committed is kept on disk.
 *
 * Rows and the offset up to which a file has been read are committed
 * together, and a row that is there already is left alone: whenever this is
 * killed, no event is missing or doubled afterwards. A file is unlinked when
 * it is wholly committed (or kept on disk) and nobody has it open for writing.
 *
 * The caller ignores or blocks SIGIO: asking who has a file open takes a
 * lease on it for a moment.
 */
#ifndef LOOPKEEPER_STORE_INTAKE_H
#define LOOPKEEPER_STORE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/path.h"
#include "store/store.h"

#define INTAKE_BLOCK 65536 /* read at once; no line is longer */

struct intake_file; /* one spool file, intake.c */

struct intake {
	char run_path[PATH_SIZE];  /* STATE/run/spool */
	char disk_path[PATH_SIZE]; /* STATE/spool */
	struct intake_file *files; /* linked by next */
	char *block;		   /* INTAKE_BLOCK bytes */
	bool swept; /* offsets of files that are gone were deleted */
};

struct intake_counts {
	int64_t events; /* new rows */
	int64_t torn;	/* lines set aside */
};

/* Makes STATE/spool. Returns 0, or -1 with errno. */
int intake_open(struct intake *i, const char *state_directory);
void intake_close(struct intake *i);

/* What was read from the database is asked anew: it was closed, or another
 * lies there now. */
void intake_forget(struct intake *i);

/*
 * Brings everything whole into the database; ret is added to. Returns 0; 1
 * when the database turned out to be another one (call again); -1 with errno
 * of store.h or of read(2): what was committed is, the rest is where it was.
 */
int intake_run(struct intake *i, struct store *s, struct intake_counts *ret);

/*
 * Copies what isn't committed to STATE/spool, on disk when this returns, and
 * unlinks what is finished. Needs no database. Returns 0, or -1 with errno.
 */
int intake_keep(struct intake *i);

#endif
