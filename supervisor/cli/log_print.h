/* How a line of a log is shown: to people, with name, time and colour as they
 * are wanted, or as one JSON object per line. */
#ifndef LOOPKEEPER_CLI_LOG_PRINT_H
#define LOOPKEEPER_CLI_LOG_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/line.h"

struct log_style {
	bool json;
	bool colour;
	bool stamps;	/* local time in front */
	bool clean;	/* for a terminal: no control characters */
	int name_width; /* 0: the name isn't shown */
};

/* Writes one line of component name, the index-th of those shown (for its
 * colour). An error stays in out, for ferror(3). */
void log_print(FILE *out, const struct log_style *style, const char *name,
    size_t index, const struct line *line);

#endif
