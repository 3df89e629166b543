/* What the two faces of `why` share. */
#ifndef LOOPKEEPER_CLI_WHY_H
#define LOOPKEEPER_CLI_WHY_H

#include <stddef.h>

#include <jansson.h>

#include "cli/black_box.h"

/* Why it was decided so, in words. */
void why_reason(char *buf, size_t size, const struct black_box *box);

/* All of it for programs; NULL when memory is out. */
json_t *why_json(const struct black_box *box);

#endif
