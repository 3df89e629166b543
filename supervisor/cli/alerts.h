/* Alerts as `alerts`, `status` and JSON show them. */
#ifndef LOOPKEEPER_CLI_ALERTS_H
#define LOOPKEEPER_CLI_ALERTS_H

#include <stdbool.h>

#include <jansson.h>

#include "cli/cli.h"
#include "store/store.h"

/* The newest few that nobody has seen, one line each; nothing when there are
 * none. Returns 0, or -1 with errno of store.h. */
int alerts_print_brief(const struct cli *cli, struct store *s);

/* As an array, the newest first. NULL with errno of store.h. */
json_t *alerts_json(struct store *s, bool all);

#endif
