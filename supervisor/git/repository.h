/* Branches, refs and commits of a repository. */
#ifndef LOOPKEEPER_GIT_REPOSITORY_H
#define LOOPKEEPER_GIT_REPOSITORY_H

#include "git/git.h"

/* The commit that rev means; costs next to nothing for "refs/heads/NAME".
 * Returns 1, 0 when there is none, -1. */
int repository_commit(
    struct git *g, const char *rev, char ret[static GIT_HASH_SIZE]);

/* The tree of a commit. Returns 0 or -1. */
int repository_tree(
    struct git *g, const char *commit, char ret[static GIT_HASH_SIZE]);

/*
 * The tip of a branch, which is made from HEAD where it isn't there. Returns
 * 0, or -1; ENOENT where HEAD has no commit yet.
 */
int repository_branch(
    struct git *g, const char *branch, char ret[static GIT_HASH_SIZE]);

/*
 * Whether a branch is checked out in the repository or one of its worktrees,
 * or is being rebased or bisected there, where it must not be moved; then its
 * path is in ret. Our own worktrees don't count. Runs no git for most answers
 * of 0. Returns 1, 0, or -1.
 */
int repository_is_checked_out(
    struct git *g, const char *branch, char ret[static PATH_SIZE]);

/* Whether commit is in the history of the branch. Returns 1, 0 (also when
 * there is no such branch or commit), or -1. */
int repository_contains(struct git *g, const char *branch, const char *commit);

/* The same for whoever has no repository open; -1 where it can't be told. */
int repository_was_merged(
    const char *repository, const char *branch, const char *commit);

/*
 * Moves a ref from old ("" for none: it is made) to new, if it is still
 * there; note stands in its reflog. Returns 1 moved, 0 somebody else moved it,
 * or -1.
 */
int repository_move_ref(struct git *g, const char *ref, const char *new,
    const char *old, const char *note);

/* Writes a commit. parent may be "". Returns 0 or -1. */
int repository_write_commit(struct git *g, const char *tree, const char *parent,
    const char *message, char ret[static GIT_HASH_SIZE]);

/* A changed file, while two trees are compared. */
struct repository_change {
	char status; /* A added, M modified, D deleted, T another type */
	const char *path;
};

/*
 * Calls found for each file in which two commits or trees differ, by path,
 * renames being a deletion and an addition. Returns how many there are, or
 * -1.
 */
int repository_changes(struct git *g, const char *from, const char *to,
    void (*found)(const struct repository_change *change, void *argument),
    void *argument);

/* How many files of from are gone in to, those that were moved not counted; or
 * -1. */
int repository_deletions(struct git *g, const char *from, const char *to);

/*
 * Whether lines that git's own conflict markers begin and end with came in from
 * one commit or tree to the other: 1 with the first ("src/a.c, line 12") in
 * ret, 0, or -1. The attribute conflict-marker-size holds, as it is in the
 * repository's checkout.
 */
int repository_conflict_left(
    struct git *g, const char *from, const char *to, char *ret, size_t size);

/*
 * Puts commit, of one parent, on another one, as a rebase does. message is
 * that of the new commit. Returns 1 with it in ret; 0 when it doesn't apply,
 * with the files that conflict in conflicts (cut at size); -1.
 */
int repository_rebase(struct git *g, const char *commit, const char *onto,
    const char *message, char ret[static GIT_HASH_SIZE], char *conflicts,
    size_t size);

/*
 * The tree that this makes, with conflict markers in the files that don't
 * apply. Returns their paths, to be freed by texts_free(), or NULL with errno.
 */
char **repository_merge(struct git *g, const char *commit, const char *onto,
    char ret[static GIT_HASH_SIZE]);

/*
 * Undoes commit (of a merge: what it brought to its first parent) on top of
 * another one, as a revert does: a new commit. Returns as repository_rebase().
 */
int repository_revert(struct git *g, const char *commit, const char *onto,
    const char *message, char ret[static GIT_HASH_SIZE], char *conflicts,
    size_t size);

/* Takes a lock on something of this repository ("merge", "worktrees") without
 * waiting. Returns a descriptor to close; -1 with EAGAIN while another process
 * has it. */
int repository_lock(struct git *g, const char *what);

#endif
