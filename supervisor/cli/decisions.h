/* Decisions as `decisions`, `status` and JSON show them. */
#ifndef LOOPKEEPER_CLI_DECISIONS_H
#define LOOPKEEPER_CLI_DECISIONS_H

#include <stdbool.h>

#include <jansson.h>

#include "cli/cli.h"
#include "store/store.h"

/* Those that wait, with the commands that answer them; nothing when there are
 * none. Returns 0, or -1 with errno of store.h. */
int decisions_print_brief(const struct cli *cli, struct store *s);

/* What was chosen, in the option's words: "DEC-001: A (retry)". As above. */
int decisions_print_choice(struct store *s, char *id);

/* As an array, oldest first. NULL with errno of store.h. */
json_t *decisions_json(struct store *s, bool all);

#endif
