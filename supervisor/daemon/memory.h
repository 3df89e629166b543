/*
 * Memory that the daemon alone writes to and no keeper needs. A forked keeper
 * doesn't get it (MADV_DONTFORK): else each page that the daemon writes to
 * between two forks would be copied, and the old one stay the keeper's for
 * life. Whole pages at a time: for arrays and for what there is one of.
 */
#ifndef LOOPKEEPER_DAEMON_MEMORY_H
#define LOOPKEEPER_DAEMON_MEMORY_H

#include <stddef.h>

/* n objects of size bytes, zeroed. Returns NULL with mmap(2)'s errno. */
void *memory_new(size_t n, size_t size);

/* Gives it back; NULL is fine. */
void memory_free(void *p);

#endif
