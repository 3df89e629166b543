/*
 * Reads STATE/logs/NAME.log and its rotated files as one text, oldest line
 * first, and goes on when more is written, over rotations too. Needs nobody:
 * the files are all there is.
 */
#ifndef LOOPKEEPER_CLI_LOG_READER_H
#define LOOPKEEPER_CLI_LOG_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/line.h"
#include "base/text.h"

struct log_file {
	FILE *stream; /* owned */
	uint64_t inode;
};

struct log_reader {
	char name[TEXT_NAME_MAX + 1];
	int logsdir;		/* not owned */
	struct log_file *files; /* oldest first; the last one is NAME.log, or
				   was when it was opened */
	size_t nfiles;
	char *line; /* getline(3)'s */
	size_t line_size;
	char stamp[24]; /* of the last line: for those that have none */
};

/* Where to begin. */
struct log_begin {
	int64_t lines;	   /* at most so many from the end; -1: all */
	const char *since; /* stamps from this one on; NULL: any */
};

/*
 * Opens the files of name that are needed. A component that never wrote
 * anything has none, and is no error. Returns 0, or -1 with errno.
 */
int log_reader_open(struct log_reader *r, int logsdir, const char *name,
    const struct log_begin *begin);
void log_reader_close(struct log_reader *r);

/*
 * The next line; its text lives until the next call. Returns 1, 0 when there
 * is none for now, -1 with errno. A line that is just being written isn't one
 * yet.
 */
int log_reader_next(struct log_reader *r, struct line *ret);

/* Opens STATE/logs. Returns a descriptor, or -1 with errno. */
int log_reader_directory(const char *state_directory);

#endif
