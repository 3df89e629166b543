/* The files of intake.h: finding them, asking whether they are finished. For
 * intake*.c only. */
#ifndef LOOPKEEPER_STORE_INTAKE_SCAN_H
#define LOOPKEEPER_STORE_INTAKE_SCAN_H

#include <sys/types.h>

#include "store/intake.h"

/* A folder of a component and a name in it; longer ones are nobody's. */
#define INTAKE_PATH_SIZE 320

struct intake_file {
	struct intake_file *next;
	bool on_disk; /* in STATE/spool, else in STATE/run/spool */
	ino_t inode;
	int64_t committed; /* bytes in the database, once known */
	int64_t staged;	   /* bytes when the open transaction is committed */
	int64_t kept;	   /* bytes in STATE/spool */
	bool known;	   /* committed has been read from the database */
	bool finished;	   /* to be unlinked after the commit */
	bool seen;	   /* by the last scan */
	char path[INTAKE_PATH_SIZE]; /* in its directory: "daemon-1.jsonl" */
};

/* An open file at one moment. */
struct intake_look {
	int fd;
	int64_t size;
	bool closed; /* nobody can write to it any more: size is final */
};

/* Reads both directories; files that are gone are forgotten. Returns 0, or
 * -1 with errno. A missing STATE/run/spool is an empty one. */
int intake_scan(struct intake *i);

/* Opens f (the caller closes ret->fd). Returns 0, or -1 with errno; ENOENT
 * when it is gone. */
int intake_look(const struct intake *i, const struct intake_file *f,
    struct intake_look *ret);

/* Unlinks the files that are finished. Returns 0, or -1 with errno when one of
 * them is still there. */
int intake_unlink_finished(struct intake *i);

#endif
