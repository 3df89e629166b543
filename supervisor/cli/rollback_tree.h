/*
 * The worktree in which rollback runs setup and tests, of no loop and gone
 * afterwards. What an earlier rollback that was killed left of it is ended and
 * cleared first. While it is there a signal that is to end us waits until it is
 * taken away.
 */
#ifndef LOOPKEEPER_CLI_ROLLBACK_TREE_H
#define LOOPKEEPER_CLI_ROLLBACK_TREE_H

#include "cli/interrupts.h"
#include "cli/rollback.h"
#include "git/provision.h"

struct rollback_tree {
	struct rolling *r;
	/* STATE/rollback/LOOP, which nobody else has: the repository's lock on
	 * rollbacks is ours. */
	char directory[PATH_SIZE];
	bool is_made;
	struct worktree worktree;
	struct provision provision;
	struct interrupts interrupts;
};

/* Makes it, at r->new; r->git's tick is ours until its end. Returns CLI_DONE,
 * or another code after an error or a signal; rollback_tree_end() either way.
 */
int rollback_tree_make(struct rollback_tree *t, struct rolling *r);

/* Takes it away. Doesn't return where a signal has come. */
void rollback_tree_end(struct rollback_tree *t);

/* Whether no signal has come. For struct git and struct shell. */
bool rollback_tree_go_on(void *argument);

#endif
