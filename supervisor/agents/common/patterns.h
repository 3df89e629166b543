/* The patterns of files in the columns of tests. */
#ifndef LOOPKEEPER_AGENTS_COMMON_PATTERNS_H
#define LOOPKEEPER_AGENTS_COMMON_PATTERNS_H

#include "base/texts.h"

/* Adds those of a column, a JSON array; what is none is empty. */
void patterns_read(struct texts *patterns, const char *text);

#endif
