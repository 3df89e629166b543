/* What stands between loops, and what today's work has cost, as `status` and
 * its JSON show it: locks and who waits for them, conflicts, money. */
#ifndef LOOPKEEPER_CLI_STANDING_H
#define LOOPKEEPER_CLI_STANDING_H

#include <jansson.h>

#include "store/store.h"

/* Lines below the table, as far as there is anything; of one loop (else NULL)
 * in the manner of `status NAME`. Returns 0, or -1 with errno of store.h. */
int standing_print(struct store *s, const char *loop_id);

/* Members "locks", "conflicts" and "cost_today" of an object; null where the
 * database can't tell. */
void standing_add_json(json_t *object, struct store *s);

#endif
