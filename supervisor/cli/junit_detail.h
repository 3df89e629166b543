/*
 * What the failures of one case say: message and text of each, in bounded
 * memory and fit to be read: without control characters. Of a case whose
 * failures have no text (ctest's) its output stands for them.
 */
#ifndef LOOPKEEPER_CLI_JUNIT_DETAIL_H
#define LOOPKEEPER_CLI_JUNIT_DETAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/junit_report.h"

struct junit_detail {
	bool failed;	 /* there was a failure */
	bool in_failure; /* text that comes is a failure's, else output */
	bool has_text;	 /* a failure had some */
	struct buf text, output, all;
	char message_data[JUNIT_DETAIL_SIZE];
	char text_data[JUNIT_DETAIL_SIZE];
	char output_data[JUNIT_DETAIL_SIZE];
	char all_data[JUNIT_DETAIL_SIZE];
};

void junit_detail_begin(struct junit_detail *d);
void junit_detail_begin_failure(struct junit_detail *d, const char *message);
void junit_detail_add(struct junit_detail *d, const char *text, size_t n);
/* After each failure; after output it does nothing. */
void junit_detail_end_failure(struct junit_detail *d);

/* All of it; belongs to d. */
const char *junit_detail_end(struct junit_detail *d);

#endif
