/* What work has cost, for people. */
#ifndef LOOPKEEPER_CLI_MONEY_H
#define LOOPKEEPER_CLI_MONEY_H

#include <stdint.h>

#include "base/buf.h"
#include "store/budget.h"

#define MONEY_SIZE 48

/* Millionths of a USD in cents, but never "0.00" for what did cost something.
 */
void money_add(struct buf *b, int64_t micros);

/* "12.40", "12.40 + 3 unknown", "unknown". */
void money_format(char buf[static MONEY_SIZE], const struct budget_sum *sum);

/* "830", "77k", "1.2M"; "unknown" below 0. */
void money_format_tokens(char buf[static MONEY_SIZE], int64_t tokens);

#endif
