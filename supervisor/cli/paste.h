/* Commands for people to paste as they stand. */
#ifndef LOOPKEEPER_CLI_PASTE_H
#define LOOPKEEPER_CLI_PASTE_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/cli.h"

/* Adds "loopkeeper [-c FILE]" and a blank; without what $LOOPKEEPER_CONFIG
 * says. */
void paste_begin(struct buf *b, const struct cli *cli);

/* An object with "text" for people and "command" to paste, which may be NULL.
 */
json_t *paste_item(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets a member of it; null where text is NULL or "". */
void paste_set(json_t *item, const char *key, const char *text);

#endif
