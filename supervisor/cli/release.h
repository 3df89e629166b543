/*
 * Waiting until nobody has coordination.db open, and until neither -wal nor
 * -shm lies beside it: then it may be replaced with cp. The recorder, which
 * closes last, does the work; this only looks, and names who is in the way.
 */
#ifndef LOOPKEEPER_CLI_RELEASE_H
#define LOOPKEEPER_CLI_RELEASE_H

#include "cli/cli.h"

/* Returns CLI_DONE, or CLI_FAILED after saying who still has it. */
int release_wait(const struct cli *cli);

/* Waits until the recorder has taken the database back, checked and repaired
 * it. Returns CLI_DONE or CLI_FAILED. */
int release_wait_back(const struct cli *cli);

#endif
