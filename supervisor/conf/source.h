/*
 * The files of a configuration: the one that was named, and those that its
 * `include` brings in. They are read by us and parsed from memory, so that
 * libconfig never opens a file.
 */
#ifndef LOOPKEEPER_CONF_SOURCE_H
#define LOOPKEEPER_CONF_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <libconfig.h>

#include "conf/arena.h"
#include "conf/fault.h"

struct source {
	struct source *next;   /* in the order of reading */
	struct place parent;   /* of the include that named it */
	unsigned order;	       /* counts from 0 */
	const char *path;      /* absolute */
	const char *shown;     /* relative where it lies below our directory */
	const char *directory; /* without links; of relative paths in it */
	dev_t dev;	       /* together with ino: which file it is */
	ino_t ino;
	uint64_t hash; /* over its text */
	config_t tree;
	bool parsed; /* tree holds the whole file */
};

struct sources {
	struct arena *arena; /* lives at least as long */
	struct faults *faults;
	struct source *first; /* the main file */
	struct source *last;
	unsigned n;
	bool broken; /* at least one was not read or not parsed */
};

/*
 * Adds the file of that name with its text, which may be anybody's. What is
 * wrong with it becomes a fault. Returns 0, or -1 with ENOMEM.
 */
int source_add_text(struct sources *s, const char *path, struct place parent,
    const char *text, size_t len);

/* Reads the file and does the same. `parent` is where a fault in reading it is
 * reported, or nowhere for the main file. */
int source_add_file(struct sources *s, const char *path, struct place parent);

/*
 * Adds the files that match a pattern of an include, relative to the file at
 * `parent`, in the order of their names. Loops and files named twice are
 * faults. Returns 0, or -1 with ENOMEM.
 */
int source_include(struct sources *s, const char *pattern, struct place parent);

/* Gives the trees back; the rest is the arena's. */
void source_close(struct sources *s);

#endif
