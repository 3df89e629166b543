/*
 * DIRECTORY/specs/health.json, which a loop replaces atomically while it
 * works: what it is at, also when the database can't be asked.
 */
#ifndef LOOPKEEPER_CLI_HEALTH_FILE_H
#define LOOPKEEPER_CLI_HEALTH_FILE_H

#include <sys/types.h>

#include "cli/overview.h"

/*
 * Fills in what the file tells, unless it was written by another process than
 * pid (0: nobody runs, then only its counts are believed). A file that is
 * missing or no JSON changes nothing.
 */
void
health_file_read(struct overview_loop *loop, const char *directory, pid_t pid);

#endif
