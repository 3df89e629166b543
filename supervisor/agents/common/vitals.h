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
	bool asks_life;	   /* vitals_has_life() will be called */
	int64_t sign_ms;   /* the last sign of life */
	int64_t stir_ms;   /* the same, or any use of the processor that is
			      more than a program's that waits */
	int64_t output_ms; /* the last output */
	bool has_output;   /* there was any */
	bool has_life;	   /* there was more than a start, as far as seen */
	int64_t change_ms; /* a file was seen to have changed */
	int64_t looked_ms; /* the files were looked at */
	int64_t output_size;
	int64_t output_begin; /* its size at the beginning */
	uint64_t cpu_ms;      /* of the tree, at sign_ms */
	uint64_t stir_cpu_ms; /* and at stir_ms */
	uint64_t cpu_begin_ms;
	uint64_t files;	   /* hash of what lies in the repository */
	size_t nprocesses; /* of the tree, zombies left out */
};

/* Begins now, with everything as it is. v->output_fd, repository, quiet_ms,
 * progress_ms and asks_life are set. All of the caller's descendants are the
 * tree. */
void vitals_begin(struct vitals *v);

/* Looks for signs of life. */
void vitals_look(struct vitals *v, int64_t now_ms);

/* Whether there was any since it began that isn't just its start: output, a
 * child, a changed file, or more CPU time than a start takes. Looks at the
 * files where nothing else tells. */
bool vitals_has_life(struct vitals *v, int64_t now_ms);

#endif
