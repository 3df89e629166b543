/* Decisions as `decisions`, `status` and JSON show them. */
#ifndef LOOPKEEPER_CLI_DECISIONS_H
#define LOOPKEEPER_CLI_DECISIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/cli.h"
#include "store/queries_fleet.h"
#include "store/store.h"

/* Those that wait, with the commands that answer them; nothing when there are
 * none. Returns 0, or -1 with errno of store.h. */
int decisions_print_brief(const struct cli *cli, struct store *s);

/* The command that gives each answer, a line for each; json is as stored, and
 * may be "". */
void decisions_print_options(const struct cli *cli, const char *decision_id,
    const char *json, const char *default_option);

/* What was chosen, in the option's words: "DEC-001: A (retry)". As above. */
int decisions_print_choice(struct store *s, char *id);

/* Until the default of a pending one is taken; 0 it is due; -1 it isn't known
 * or never. */
int64_t decisions_left_ms(const struct decision_row *row);

/* As an array, oldest first. NULL with errno of store.h. */
json_t *decisions_json(struct store *s, bool all);

#endif
