/*
 * Whether a tree of processes gets on: it writes, it uses the processor, or a
 * file in its repository changes. One of the three is enough. Ages are
 * measured on clock_ms() from the moment at which a value was seen to change.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_VITALS_H
#define LOOPKEEPER_AGENTS_LOOP_VITALS_H

#include <stdint.h>

struct vitals {
	int output_fd;		/* the transcript; not owned */
	const char *repository; /* not owned */
	int64_t sign_ms;	/* the last sign of life */
	int64_t output_ms;	/* the last output */
	int64_t looked_ms;	/* the repository was looked at */
	int64_t output_size;
	uint64_t cpu_ms; /* of the tree, at sign_ms */
	uint64_t files;	 /* hash of what lies in the repository */
};

/* Begins at now_ms, with everything as it is. All of the caller's descendants
 * are the tree. */
void vitals_begin(
    struct vitals *v, int output_fd, const char *repository, int64_t now_ms);

/*
 * Looks for signs of life. The repository is walked through only when there
 * was no other sign for a while, a quarter of limit_ms. Returns for how long
 * there has been none.
 */
int64_t vitals_silence(struct vitals *v, int64_t limit_ms, int64_t now_ms);

#endif
