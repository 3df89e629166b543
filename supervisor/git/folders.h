/* Folders whose times and modes are to be what they were, or were once, when
 * all that is done in them is done. */
#ifndef LOOPKEEPER_GIT_FOLDERS_H
#define LOOPKEEPER_GIT_FOLDERS_H

#include <sys/stat.h>
#include <time.h>

#include <bsd/sys/queue.h>

/* Zeroed it is empty. Of a folder that was noted twice the first counts. */
struct folders {
	SLIST_HEAD(, folders_one) all; /* the last one first */
};

struct folders_one {
	SLIST_ENTRY(folders_one) next;
	char *path; /* owned */
	mode_t mode;
	struct timespec mtime;
};

/* All return 0, or -1 with errno. */
int folders_note(
    struct folders *f, const char *path, mode_t mode, struct timespec mtime);

/* Notes the folder that path is in as it is, and sees that it can be written
 * to. */
int folders_open(struct folders *f, const char *path);

/* Sets them all, and forgets them. */
int folders_set(struct folders *f);

#endif
