/*
 * One line of a component's log, STATE/logs/NAME.log:
 *
 *   2026-01-07T02:14:00.123Z | text of stdout
 *   2026-01-07T02:14:00.124Z ! text of stderr
 *   2026-01-07T02:14:01.130Z |+a piece of a line that goes on
 *
 * The logger writes them, the command line reads them. The prefix has always
 * the same length, so that the text is found without a search; the text is
 * what the component wrote, byte by byte. Housekeeping writes its own log,
 * with the lines of log.h: a stamp, no mark.
 */
#ifndef LOOPKEEPER_BASE_LINE_H
#define LOOPKEEPER_BASE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_PREFIX 27

enum line_stream { LINE_STDOUT, LINE_STDERR };

struct line {
	char stamp[24]; /* ISO 8601 UTC, without a NUL; sorts as text */
	enum line_stream stream;
	bool partial;	  /* its rest follows, or never came */
	const char *text; /* inside what was parsed */
	size_t len;	  /* of the text */
};

/* Writes the prefix (no NUL). */
void line_format(char ret[static LINE_PREFIX], int64_t wall_ms,
    enum line_stream stream, bool partial);

/* Reads a line of n bytes without its newline, also one of log.h (as one of
 * stderr). Returns false, and leaves *ret alone, for one without a stamp. */
bool line_parse(const char *bytes, size_t n, struct line *ret);

#endif
