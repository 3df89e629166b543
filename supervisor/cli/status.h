/* The three faces of `status`, and the words they share. */
#ifndef LOOPKEEPER_CLI_STATUS_H
#define LOOPKEEPER_CLI_STATUS_H

#include <stddef.h>

#include "cli/cli.h"
#include "cli/overview.h"
#include "store/store.h"

/* "attempt 2/3, for 34m, last output 12m ago"; "" without a test. */
void status_describe_attempt(
    char *buf, size_t size, const struct overview_loop *loop);

/* All about one component. s may be closed. Returns an exit code. */
int status_print_one(struct cli *cli, const struct overview *o, struct store *s,
    const struct overview_component *c);

/* The contract for programs; only one component where c is not NULL. */
int status_print_json(struct cli *cli, const struct overview *o,
    struct store *s, const struct overview_component *c);

#endif
