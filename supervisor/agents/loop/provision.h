/*
 * What a worktree needs and git doesn't have: files that are copied from the
 * operator's checkout (`copy`), and folders that all worktrees have in common
 * (`shared`), as links.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_PROVISION_H
#define LOOPKEEPER_AGENTS_LOOP_PROVISION_H

#include "agents/loop/workplace.h"

/* Brings them to the worktree, as far as they aren't there. Returns 0, or -1
 * with errno and a text in w->git.error. */
int provision_tree(struct workplace *w, const struct worktree *tree);

#endif
