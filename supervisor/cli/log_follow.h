/* `logs -f`: goes on printing what is written, over rotations, and in new
 * logs where all are followed. */
#ifndef LOOPKEEPER_CLI_LOG_FOLLOW_H
#define LOOPKEEPER_CLI_LOG_FOLLOW_H

#include "cli/log_merge.h"
#include "cli/log_print.h"

/* Ends when nobody reads standard output any more: returns 0; or -1 with
 * errno. */
int log_follow(
    struct log_merge *m, int logsdir, bool all, const struct log_style *style);

/* The component whose log the file NAME.log is; false for any other file. */
bool log_follow_name(const char *file, char ret[static TEXT_NAME_MAX + 1]);

#endif
