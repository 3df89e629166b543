/*
 * What a loop that died left in its worktree. A marker beside the worktree,
 * DIRECTORY/specs/attempt, names the attempt whose work that is ("ID BASE"),
 * from before its worker starts until the work is safe.
 */
#ifndef LOOPKEEPER_GIT_LEFTOVER_H
#define LOOPKEEPER_GIT_LEFTOVER_H

#include "base/uuid.h"
#include "git/worktree.h"

struct leftover {
	char attempt[UUID_SIZE];
	char base[GIT_HASH_SIZE];
	char ref[GIT_REF_SIZE]; /* that is to hold it */
};

/* Reads a marker. Returns 1, 0 when there is none, or -1 as git.h says. */
int leftover_read(struct git *g, const char *path, struct leftover *ret);

/*
 * Makes the ref of what lies in w, but for own (NULL-ended paths). What the
 * git of the dead one left locked is set aside and told in aside (PATH_SIZE).
 * Returns 0 with the commit, or -1.
 */
int leftover_keep(struct git *g, const struct worktree *w,
    const struct leftover *l, const char *loop, char *const *own, char *aside,
    char ret[static GIT_HASH_SIZE]);

/*
 * Does that for all worktrees of ours in a repository that nobody else will
 * look after: what bears their directory's mark is ended, the work is kept,
 * the marker goes. take() is asked for each attempt: whether it is to be done,
 * and for which loop. What was done and what couldn't be is said; with dry_run
 * what would be.
 */
void leftover_save(const char *repository, const char *state_directory,
    bool (*take)(const char *attempt, char *ret_loop, size_t size, void *),
    void (*say)(const char *line, void *), bool dry_run, void *argument);

/* Calls found for the worktrees of ours in a repository that lie where loops of
 * a state directory have theirs, DIRECTORY/LOOP/NAME. */
void leftover_trees(const char *repository, const char *state_directory,
    void (*found)(const char *path, const char *loop, void *), void *argument);

#endif
