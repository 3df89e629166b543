/* The end of what a command wrote, for a prompt or for people. */
#ifndef LOOPKEEPER_AGENTS_COMMON_TAIL_H
#define LOOPKEEPER_AGENTS_COMMON_TAIL_H

#include <stddef.h>
#include <sys/types.h>

/*
 * The last max bytes of a file from `from` on, from the beginning of a line if
 * there is one; as text, with what has no place in one as '?' or a blank. To be
 * freed; NULL where it can't be read.
 */
char *tail_read(int fd, off_t from, size_t max);

#endif
