/*
 * Patterns of files, as people write them: with *, ? and [...]. One without
 * a slash is for a file's name, wherever it lies ("*_test.c"); one with a
 * slash for a path from any folder on, in which * goes over slashes
 * ("tests/" means everything below, as does a pattern with two stars).
 */
#ifndef LOOPKEEPER_BASE_PATTERN_H
#define LOOPKEEPER_BASE_PATTERN_H

#include <stdbool.h>

bool pattern_matches(const char *pattern, const char *path);

/* Whether one of the patterns (NULL-ended; NULL: none) matches. */
bool pattern_any(char *const *patterns, const char *path);

#endif
