/* What order and move do alike: tests are named, looked up and changed in one
 * transaction, all of them or none. */
#ifndef LOOPKEEPER_CLI_QUEUE_TESTS_H
#define LOOPKEEPER_CLI_QUEUE_TESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/ids.h"
#include "store/queries_queue.h"

struct queue_test {
	char id[IDS_SIZE];
	struct queue_place place; /* as it was before */
};

/* One that is zeroed is empty. */
struct queue_tests {
	struct queue_test *items;
	size_t n;
};

/* Begins the transaction. All three return CLI_DONE, or an exit code after an
 * error. */
int queue_tests_begin(struct store *s);

/* Adds the test that word means, which isn't among them yet. */
int queue_tests_add(struct queue_tests *tests, const struct cli *cli,
    struct store *s, const char *word);

/* Ends the transaction: commits it if code is CLI_DONE and this is no dry
 * run. Returns code, or CLI_FAILED after an error. */
int queue_tests_end(struct store *s, int code, bool dry_run);

void queue_tests_free(struct queue_tests *tests);

#endif
