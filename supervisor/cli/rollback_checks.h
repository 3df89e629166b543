/* Which tests are run before a rollback is believed. */
#ifndef LOOPKEEPER_CLI_ROLLBACK_CHECKS_H
#define LOOPKEEPER_CLI_ROLLBACK_CHECKS_H

#include "cli/rollback.h"

struct rollback_check {
	const char *id;
	const char *loop;   /* whose test it is */
	const char *verify; /* for sh -c */
	const char *passed_at;
	bool touched; /* the reverts change files of it */
	bool fails;   /* without the reverts, as is known */
};

struct rollback_checks {
	struct rollback_check *items;
	size_t n;
	struct texts texts; /* of items */
};

/*
 * Of the tests that stay passed, of all loops that merge into the same branch:
 * those whose files r->new changes, and besides as many as the loop rechecks,
 * those that passed last; and the one that an undo says passes. Returns
 * CLI_DONE, or CLI_FAILED after an error. Free with rollback_checks_free(), on
 * failure too.
 */
int rollback_checks_pick(struct rolling *r, struct rollback_checks *ret);
void rollback_checks_free(struct rollback_checks *checks);

#endif
