/* Paths in buffers of one size, so that none is ever cut in silence. */
#ifndef LOOPKEEPER_BASE_PATH_H
#define LOOPKEEPER_BASE_PATH_H

#define PATH_SIZE 4096

/* As snprintf(3) into PATH_SIZE bytes. Returns 0, or -1 with ENAMETOOLONG. */
int path_format(char buf[static PATH_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* path, or base/path where path is not absolute. Returns 0, or -1 with
 * ENAMETOOLONG. */
int
path_resolve(char buf[static PATH_SIZE], const char *base, const char *path);

/* The directory part, as dirname(1): "." when there is none. Returns 0, or -1
 * with ENAMETOOLONG. */
int path_dirname(char buf[static PATH_SIZE], const char *path);

/* Makes path and its parents as mkdir -p does. Returns 0, or -1 with
 * mkdir(2)'s errno. */
int path_make(const char *path, unsigned mode);

#endif
