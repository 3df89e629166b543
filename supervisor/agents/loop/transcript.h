/* The file that an attempt's commands write to; lines of ours begin with
 * "# ". */
#ifndef LOOPKEEPER_AGENTS_LOOP_TRANSCRIPT_H
#define LOOPKEEPER_AGENTS_LOOP_TRANSCRIPT_H

#include "agents/loop/runner.h"

/* Returns its descriptor, or -1 with errno. */
int transcript_open(struct runner *r);
void transcript_note(int fd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A path beside the transcript: its own with another end (".failure"). */
int transcript_beside(
    const char *transcript, const char *end, char ret[static PATH_SIZE]);

#endif
