/* The making of admin directories (gitrepository-layout(5), worktrees/ID). */
#ifndef LOOPKEEPER_GIT_ADMIN_H
#define LOOPKEEPER_GIT_ADMIN_H

#include "git/worktree.h"

/*
 * Makes an admin directory for the folder w->path, with HEAD detached at
 * commit, and sets w->admin; the folder and the index are for the caller to
 * make, who holds the lock on worktrees, and then calls admin_unlock().
 *
 * It is there whole or not at all. The one that "git worktree add" makes has a
 * HEAD of zeros for a while, and an empty commondir for a moment: whoever
 * pushes to the repository, fetches or packs it meanwhile is refused ("bad
 * object worktrees/ID/HEAD"), or can't add one of his own ("failed to read
 * worktrees/ID/commondir: Success").
 *
 * Returns 0 or -1.
 */
int admin_make(struct git *g, struct worktree *w, const char *commit);

/* From now on git may prune it, if the folder is gone. Returns 0 or -1. */
int admin_unlock(struct git *g, const struct worktree *w);

#endif
