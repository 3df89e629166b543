/*
 * A fleet may be another user's, who lets us steer it (control_group): what
 * lies in its state directory stays his to read and to write.
 */
#ifndef LOOPKEEPER_CLI_OWNER_H
#define LOOPKEEPER_CLI_OWNER_H

#include <stdbool.h>

#include "cli/cli.h"

#define OWNER_SIZE 64

/* Whether the fleet, if there ever was one, is neither ours nor are we root;
 * then with the name of its owner. */
bool owner_is_other(const struct cli *cli, char ret_name[static OWNER_SIZE]);

/* Ends the program with "only NAME may WHAT" if it is another user's. */
void owner_only(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
