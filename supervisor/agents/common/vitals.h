/*
 * Whether a tree of processes gets on: it writes, it uses the processor, or a
 * file in its repository changes. One of the three is enough. Ages are
 * measured on clock_ms() from the moment at which a value was seen to change.
 */
#ifndef LOOPKEEPER_AGENTS_COMMON_VITALS_H
#define LOOPKEEPER_AGENTS_COMMON_VITALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vitals {
	int output_fd;		/* the transcript; not owned */
	const char *repository; /* not owned */
	/* The files are looked at when there was no other sign for quiet_ms,
	 * and every progress_ms; 0: not for that reason. */
	int64_t quiet_ms;
	int64_t progress_ms;
	int64_t sign_ms;   /* the last sign of life */
	int64_t output_ms; /* the last output */
	bool has_output;   /* there was any */
	int64_t change_ms; /* a file was seen to have changed */
	int64_t looked_ms; /* the files were looked at */
	int64_t output_size;
	uint64_t cpu_ms;   /* of the tree, at sign_ms */
	uint64_t files;	   /* hash of what lies in the repository */
	size_t nprocesses; /* of the tree, zombies left out */
};

/* Begins now, with everything as it is. v->output_fd, repository, quiet_ms and
 * progress_ms are set. All of the caller's descendants are the tree. */
void vitals_begin(struct vitals *v);

/* Looks for signs of life. */
void vitals_look(struct vitals *v, int64_t now_ms);

#endif
