/* Relative paths: each is relative to the file that it stands in. */
#ifndef LOOPKEEPER_CONF_RESOLVE_H
#define LOOPKEEPER_CONF_RESOLVE_H

#include "base/path.h"

/*
 * path, or directory/path where path is not absolute; without "." and leading
 * "..", for which directory must have no links in it. Returns 0, or -1 with
 * ENAMETOOLONG.
 */
int resolve_path(
    char ret[static PATH_SIZE], const char *directory, const char *path);

#endif
