/*
 * What a git that died left behind: half-made worktrees, lock files,
 * operations it was in the midst of. Nothing is deleted: it is moved into the
 * folder loopkeeper/aside of the repository, or beside the worktree. What may
 * belong to a git that lives is left where it is.
 */
#ifndef LOOPKEEPER_GIT_WRECK_H
#define LOOPKEEPER_GIT_WRECK_H

#include "git/worktree.h"

/* Moves path, which is on the repository's file system, to its
 * loopkeeper/aside/NAME-TIME; none is fine. Returns 0 or -1. */
int wreck_move_aside(struct git *g, const char *path, const char *name);

/* Moves from, which is on the worktree's file system, to PATH.WHAT-TIME of the
 * worktree, which is told in aside ("" when it fails). Returns 0 or -1. */
int wreck_move_beside(struct git *g, const struct worktree *w, const char *from,
    const char *what, char aside[static PATH_SIZE]);

/*
 * Moves whatever is at the worktree's path to PATH.wreck-TIME, which is told in
 * aside (PATH_SIZE; else untouched). The caller holds the lock on worktrees,
 * here and below. Returns 0 or -1.
 */
int wreck_set_aside(struct git *g, const struct worktree *w, char *aside);

/* The same with what is no folder; and with a directory where its .git is to
 * be, to PATH.inner-TIME. */
int wreck_clear_place(struct git *g, const struct worktree *w, char *aside);

/* Moves the admin directory ("" for none) into the repository's folder; the
 * worktree has none then. Returns 0 or -1. */
int wreck_clear_admin(struct git *g, struct worktree *w);

/* Deletes wrecks and inner ones beside a checkout in which nobody works,
 * but for the last of it. Returns 0 or -1. */
int wreck_delete_old(struct git *g, const struct worktree *w);

/* Ends a merge, rebase, cherry-pick, revert or bisect that a worker left in
 * its worktree: git's notes of it are moved aside. Returns 0 or -1. */
int wreck_forget_operations(struct git *g, const struct worktree *w);

/*
 * Lock files NAME.lock (NULL-ended names: "index", "refs/heads/main") of dead
 * gits, in a worktree's admin directory, or with w NULL in the repository's:
 * moved aside unless a git that is as old as the lock and has to do with this
 * repository lives. Returns how many were moved, with the last one's path in
 * ret; or -1, EBUSY and a text that names the process where one may be at
 * work, EAGAIN where one has just begun: try again soon.
 */
int wreck_clear_locks(struct git *g, const struct worktree *w,
    const char *const *names, char ret[static PATH_SIZE]);

#endif
