/* Copies of what lies in the operator's checkout. */
#ifndef LOOPKEEPER_GIT_COPY_H
#define LOOPKEEPER_GIT_COPY_H

#include "git/git.h"

/*
 * Makes `to` a copy of `from`, a file, a link, or a folder with all that is in
 * it: what is there with the same size and time is left alone, what isn't is
 * replaced, what only `to` has stays. Folders may always be written by their
 * owner. The folder around `to` must be there. g's tick() is called. Returns 0,
 * or -1 with errno.
 */
int copy_tree(const struct git *g, const char *from, const char *to);

/* Copies what is left to read of a file to another one, or has both share it.
 * g's tick() is called. Returns 0, or -1 with errno. */
int copy_bytes(const struct git *g, int in, int out);

#endif
