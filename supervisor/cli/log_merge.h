/* The logs of several components as one, by the time of their lines. */
#ifndef LOOPKEEPER_CLI_LOG_MERGE_H
#define LOOPKEEPER_CLI_LOG_MERGE_H

#include "cli/log_reader.h"

struct log_head {
	struct log_reader reader;
	struct line line; /* its next one */
	bool has_line;
	bool stale; /* there may be more in its files */
};

struct log_merge {
	struct log_head *heads;
	size_t n;
	int last; /* index of the head whose line was given last, -1: none */
};

/* Adds the log of name. Returns 0, or -1 with errno. */
int log_merge_add(struct log_merge *m, int logsdir, const char *name,
    const struct log_begin *begin);
void log_merge_close(struct log_merge *m);

/* Its index, or -1. */
int log_merge_find(const struct log_merge *m, const char *name);

/* The file of one (by index), or of all (-1), may have grown. */
void log_merge_refresh(struct log_merge *m, int index);

/*
 * The next line in time; *ret_index says whose. It lives until the next call.
 * Returns 1, 0 when all are at their end, -1 with errno.
 */
int log_merge_next(struct log_merge *m, struct line *ret, size_t *ret_index);

#endif
