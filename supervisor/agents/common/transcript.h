/* The files that jobs write to. */
#ifndef LOOPKEEPER_AGENTS_COMMON_TRANSCRIPT_H
#define LOOPKEEPER_AGENTS_COMMON_TRANSCRIPT_H

#include <stddef.h>

/* A test's id as part of a file name. */
void transcript_name(const char *test_id, char *buf, size_t size);

/* A line of ours, "# TIME ...". */
void transcript_note(int fd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
