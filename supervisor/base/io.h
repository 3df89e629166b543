/* Reading and writing whole things, on descriptors and small files. */
#ifndef LOOPKEEPER_BASE_IO_H
#define LOOPKEEPER_BASE_IO_H

#include <stddef.h>
#include <sys/types.h>

/* Writes all n bytes of a blocking descriptor. Returns 0, or -1 with
 * write(2)'s errno. */
int io_write_all(int fd, const void *bytes, size_t n);

/* Reads exactly n bytes. Returns 0, or -1 with read(2)'s errno; ENODATA when
 * the end came first. */
int io_read_all(int fd, void *bytes, size_t n);

/*
 * Reads the file dirfd/path (AT_FDCWD for none) into buf as a NUL-ended text
 * of at most size - 1 bytes. Returns its length, or -1 with the errno of
 * open(2) or read(2); EFBIG when it did not fit (buf then holds its head).
 */
ssize_t io_read_file(int dirfd, const char *path, char *buf, size_t size);

/*
 * Replaces dirfd/path atomically: writes path.new, renames it; with sync, the
 * file is on disk before and the directory entry after. Returns 0, or -1 with
 * errno; then path is as it was.
 */
int io_replace_file(
    int dirfd, const char *path, const char *bytes, size_t n, int sync);

/* Closes *fd unless it is -1, and sets it to -1. Keeps errno. */
void io_close(int *fd);

#endif
