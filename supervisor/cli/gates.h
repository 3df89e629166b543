/* Closed gates of providers as `gates`, `status` and JSON show them. */
#ifndef LOOPKEEPER_CLI_GATES_H
#define LOOPKEEPER_CLI_GATES_H

#include <jansson.h>

#include "cli/cli.h"
#include "store/store.h"

/* One line each: "rate-limited (claude, until 05:00)". */
void gates_print_brief(const struct cli *cli, struct store *s);

/* As an array. NULL with errno of store.h. */
json_t *gates_json(struct store *s);

#endif
