/*
 * A list of what setup made in a checkout, in a file: for each file, link and
 * folder what lstat(2) said when it was made, and which its copy is
 * (spares.h). It is read and written entry by entry, however many there are;
 * a new list takes the old one's place as a whole, or not at all.
 */
#ifndef LOOPKEEPER_GIT_MANIFEST_H
#define LOOPKEEPER_GIT_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/path.h"

/* The inode and the times of what nobody has touched since. Only root can set
 * the change time, and the others not without changing it. */
struct manifest_identity {
	uint64_t inode;
	uint64_t mode; /* with the type */
	uint64_t size;
	int64_t mtime[2]; /* s, ns */
	int64_t ctime[2];
};

struct manifest_entry {
	struct manifest_fixed {
		uint64_t top; /* lies in the path that setup made as this one */
		struct manifest_identity is;
		uint64_t number; /* of the copy of a file; 0: it has none */
		struct manifest_identity copy;
		uint64_t path_len;
		uint64_t target_len;
	} fixed;
	char path[PATH_SIZE];	/* from the top of the checkout */
	char target[PATH_SIZE]; /* of a link */
};

struct manifest {
	char path[PATH_SIZE];
	FILE *in;  /* NULL unless one is read */
	FILE *out; /* of the new list, NULL unless one is written */
	uint64_t hash;
	uint64_t left;	   /* bytes of entries to read */
	int64_t newest[2]; /* change time in the new list */
};

void manifest_identify(struct manifest_identity *ret, const struct stat *st);

/* The time that what the entry is of is to bear. */
struct timespec manifest_mtime(const struct manifest_entry *entry);

/* Whether both are the same file, and unchanged. */
bool manifest_is_same(
    const struct manifest_identity *a, const struct manifest_identity *b);

/* Opens the list at path for reading. Returns 1; 0 where there is none, or a
 * torn one, or one of another version; or -1 with errno. */
int manifest_open(struct manifest *m, const char *path);

/* The next entry. Returns 1, 0 after the last, or -1 with errno. */
int manifest_next(struct manifest *m, struct manifest_entry *ret);

/* Begins a new list for path. Returns 0, or -1 with errno. */
int manifest_create(struct manifest *m, const char *path);
int manifest_put(struct manifest *m, struct manifest_entry *entry);

/* The new list is that from now on. What is changed from then on bears a later
 * change time than all that is in it. Returns 0, or -1 with errno. */
int manifest_commit(struct manifest *m);

/* Ends reading and writing; a new list that wasn't committed is gone. Keeps
 * errno. */
void manifest_close(struct manifest *m);

#endif
