/*
 * What lies in a worktree as a commit, whatever state a worker left it in; and
 * what of it may be judged: a candidate, whose test files are those of the
 * base.
 */
#ifndef LOOPKEEPER_GIT_SNAPSHOT_H
#define LOOPKEEPER_GIT_SNAPSHOT_H

#include "git/worktree.h"

/*
 * Commits every file of the worktree that git doesn't ignore, or only by an
 * ignore file that is no part of it (worktree_unhide()), but for those
 * in leave_out (paths, NULL-ended), with message, its parent being what the
 * worktree's HEAD is at, else base. The worktree's own index and HEAD stay as
 * they are. The ref ("refs/loopkeeper/attempts/ID") is made or moved to it.
 * Returns 0 with the commit in ret, or -1.
 */
int snapshot_take(struct git *g, const struct worktree *w, const char *base,
    char *const *leave_out, const char *ref, const char *message,
    char ret[static GIT_HASH_SIZE]);

/*
 * Only those paths (NULL-ended) as they are in the worktree now, everything
 * else as in base: a commit on base that nobody keeps. Somebody may be at work
 * there; nothing is touched. Returns 0, or -1.
 */
int snapshot_peek(struct git *g, const struct worktree *w, const char *base,
    char *const *paths, char ret[static GIT_HASH_SIZE]);

/*
 * The other way round: what commit has changed since base is put into the
 * files of the worktree, which are as in onto. Its index and HEAD stay as they
 * are, as if a worker had just done it there. Returns 1; 0 when it doesn't
 * apply, with the files that conflict in conflicts (cut at size), and nothing
 * was done; -1 when the files may be in any state.
 */
int
snapshot_put_back(struct git *g, const struct worktree *w, const char *commit,
    const char *base, const char *onto, char *conflicts, size_t size);

/* The same where it doesn't apply, too: the files that conflict are then as in
 * commit. Returns 0, or -1. */
int snapshot_put_over(struct git *g, const struct worktree *w,
    const char *commit, const char *base, const char *onto);

/* Only whether it applies, whatever is in the worktree: a commit on onto that
 * nobody keeps. Returns as snapshot_put_back(). */
int snapshot_move(struct git *g, const char *commit, const char *base,
    const char *onto, char ret[static GIT_HASH_SIZE], char *conflicts,
    size_t size);

/*
 * The tree of commit with those paths as they are in base (or not there, where
 * base doesn't have them). index_file is a path to write to. Returns 0 or -1.
 */
int snapshot_restore(struct git *g, const char *commit, const char *base,
    char *const *paths, const char *index_file, char ret[static GIT_HASH_SIZE]);

#endif
