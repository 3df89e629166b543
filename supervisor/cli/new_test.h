/* What add and import ask of a new test alike. */
#ifndef LOOPKEEPER_CLI_NEW_TEST_H
#define LOOPKEEPER_CLI_NEW_TEST_H

#include "cli/ids.h"
#include "store/store.h"

/* Why id can't be one: it becomes part of file names. NULL when it can. */
const char *new_test_id_error(const char *id);

/*
 * The loop that word means; without word (NULL) the only one there is.
 * Returns CLI_DONE, or an exit code after an error.
 */
int new_test_loop(const struct cli *cli, struct store *s, const char *word,
    char ret[static IDS_SIZE]);

/* Makes the loop's row in table loops, named and ranked as the configuration
 * says, unless there is one. Returns 0 or -1 with errno of store.h. */
int
new_test_add_loop(const struct cli *cli, struct store *s, const char *loop_id);

#endif
