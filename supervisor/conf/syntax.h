/*
 * Reads a text as libconfig would, and says of the first thing that it would
 * not read what is to be mended; libconfig itself says only "syntax error",
 * and loses memory. Refused as well is what it reads and should not: its own
 * @include (it opens files by itself, and ends the process on a directory),
 * whole numbers that it cuts, a forgotten comma between texts in a list.
 */
#ifndef LOOPKEEPER_CONF_SYNTAX_H
#define LOOPKEEPER_CONF_SYNTAX_H

#include "conf/fault.h"

/* Returns 0 when all is well, 1 after adding one fault, -1 with ENOMEM. */
int
syntax_check(const char *text, const struct source *source, struct faults *f);

#endif
