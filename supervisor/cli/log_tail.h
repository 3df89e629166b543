/* Lines that are kept for later, oldest first: the last ones of a log. */
#ifndef LOOPKEEPER_CLI_LOG_TAIL_H
#define LOOPKEEPER_CLI_LOG_TAIL_H

#include <bsd/sys/queue.h>
#include <stddef.h>

#include "base/line.h"

struct log_kept {
	TAILQ_ENTRY(log_kept) entry;
	struct line line; /* its text points below, and ends with a NUL */
	size_t index;	  /* the caller's: whose line it is */
	char text[];
};
TAILQ_HEAD(log_tail, log_kept);

/* Copies a line to the end. Returns 0, or -1 with ENOMEM. */
int log_tail_add(struct log_tail *tail, const struct line *line, size_t index);

void log_tail_remove(struct log_tail *tail, struct log_kept *kept);
void log_tail_free(struct log_tail *tail);

#endif
