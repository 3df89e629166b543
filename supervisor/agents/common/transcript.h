/* The files that jobs write to. */
#ifndef LOOPKEEPER_AGENTS_COMMON_TRANSCRIPT_H
#define LOOPKEEPER_AGENTS_COMMON_TRANSCRIPT_H

#include "base/path.h"

/*
 * Makes DIRECTORY/TEST-SUFFIX.log, empty, and the directory; a test's id is
 * made fit for it. Returns a descriptor, with the path in ret; or -1 with
 * errno.
 */
int transcript_open(const char *directory, const char *test_id,
    const char *suffix, char ret[static PATH_SIZE]);

/* The same, but never one that is there already: EEXIST. */
int transcript_create(const char *directory, const char *test_id,
    const char *suffix, char ret[static PATH_SIZE]);

/* A path beside a transcript: its own with another end (".failure"). Returns 0
 * or -1. */
int transcript_beside(
    const char *transcript, const char *end, char ret[static PATH_SIZE]);

/* A line of ours, "# TIME ...". */
void transcript_note(int fd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
