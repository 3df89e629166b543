/*
 * Who gives a command: a worker for its attempt, another component, or somebody
 * who says his name. And the files that he means: named from where he is, as
 * git does, and kept as paths from the root of his checkout.
 */
#ifndef LOOPKEEPER_CLI_CALLER_H
#define LOOPKEEPER_CLI_CALLER_H

#include <stddef.h>

#include "base/text.h"
#include "base/texts.h"
#include "cli/cli.h"

struct caller {
	char name[TEXT_NAME_MAX + 1];
	const char *attempt_id; /* of a worker; NULL for others */
	const char *test_id;	/* the same */
};

/* By the environment, else by as (--as; NULL: not given). What is missing or
 * contradicts ends the program. */
void caller_find(const char *as, struct caller *ret);

/* The paths that n words mean; or ends the program. To be freed by
 * texts_free(). */
char **caller_paths(char *const *words, size_t n);

#endif
