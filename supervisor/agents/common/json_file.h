/* A JSON object as a small file. */
#ifndef LOOPKEEPER_AGENTS_COMMON_JSON_FILE_H
#define LOOPKEEPER_AGENTS_COMMON_JSON_FILE_H

#include <stdbool.h>

#include <jansson.h>

/* Replaces the file at path atomically, with sync on disk before it returns.
 * Frees json; NULL is a lack of memory, or text that isn't UTF-8. Returns 0,
 * or -1 with errno. */
int json_file_replace(const char *path, json_t *json, bool sync);

#endif
