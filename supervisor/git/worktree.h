/*
 * A worktree of ours: a folder with files, which a worker may do anything to,
 * and its admin directory in the repository, which is where git keeps what it
 * knows of it. Every command names both: whatever has become of the folder's
 * .git, git never takes it for the checkout around it.
 */
#ifndef LOOPKEEPER_GIT_WORKTREE_H
#define LOOPKEEPER_GIT_WORKTREE_H

#include <stdbool.h>

#include "git/git.h"

struct worktree {
	char path[PATH_SIZE];
	char admin[PATH_SIZE];
};

/*
 * Makes sure that there is a worktree at path. Of what a worker has done to one
 * the files stay: a folder without its .git or its admin directory is given
 * them. What stands there and never was a worktree is set aside (wreck.h) and
 * told in aside ("" when nothing was; PATH_SIZE). Where there is nothing it is
 * made, at commit; HEAD is detached there in every admin directory that is
 * made. Nothing of ours may run in it. Returns 1 with a new admin directory, 0,
 * or -1; EAGAIN while another process works on the repository's worktrees: try
 * again soon.
 */
int worktree_open(struct git *g, struct worktree *w, const char *path,
    const char *commit, char *aside);

/* The admin directory of the worktree at w->path. 1, 0 there is none, or -1. */
int worktree_find(struct git *g, struct worktree *w);

/*
 * Whether git looks at every file of the worktree: its index can be read, and
 * no entry says that changes are not to be seen (assume-unchanged,
 * skip-worktree). Returns 1, 0, or -1.
 */
int worktree_is_plain(struct git *g, const struct worktree *w);

/* Whether worktrees have a configuration of their own: the repository has
 * extensions.worktreeConfig. 1, 0, or -1. */
int worktree_has_config(struct git *g, const struct worktree *w);

/*
 * Where they have, the repository's core.worktree and core.bare count in each
 * of them as well, and who runs git in one works on the operator's checkout, or
 * can't: the worktree's own configuration then says what it is. Returns 0 or
 * -1.
 */
int worktree_set_top(struct git *g, const struct worktree *w);

/*
 * Whether w is what git, run in it with envp, works on: on the branch (NULL:
 * detached), at commit. Returns 0; or -1, EPROTO and a text that says what it
 * works on and what to do.
 */
int worktree_prove(struct git *g, const struct worktree *w, char *const *envp,
    const char *branch, const char *commit);

/*
 * Every file as in commit, on the branch (NULL: detached), which is made or
 * moved there. What git doesn't know stays. What was there before must be safe
 * (snapshot.h). Returns 0 or -1.
 */
int worktree_reset(struct git *g, const struct worktree *w, const char *branch,
    const char *commit);

/*
 * The same, detached, of a checkout in which nobody works, and where only what
 * we found in it before is believed: nothing that was told to git there, by an
 * index, a configuration of the worktree or otherwise. Returns 0 or -1.
 */
int
worktree_restore(struct git *g, const struct worktree *w, const char *commit);

/* Nothing but git has been in it yet: its index is believed. Returns 0 or -1.
 */
int worktree_trust(struct git *g, const struct worktree *w);

/*
 * Deletes what git doesn't know and, with ignored, what it ignores as well, by
 * no ignore file that git doesn't know itself;
 * but not what is or lies in one of the paths of keep or spare (relative,
 * NULL-ended; may be NULL). Of a folder that holds such a path the rest goes.
 * A repository inside, with the folders around it that git doesn't know, is
 * moved to PATH.inner-TIME; but deleted with ignored, for nobody works in such
 * a worktree. Returns 0 or -1.
 */
int worktree_tidy(struct git *g, const struct worktree *w, bool ignored,
    char *const *keep, char *const *spare);

/* Whether a path is or lies in one of paths (NULL: none). */
bool worktree_lies_in(const char *path, char *const *paths);

/* Whether a path is, holds, or lies in one of those of keep (NULL: none). */
bool worktree_is_kept(const char *path, char *const *keep);

/*
 * The paths of what git ignores; of a folder of nothing else only its own,
 * with a slash at its end. To be freed by texts_free(). NULL with errno.
 */
char **worktree_ignored(struct git *g, const struct worktree *w);
/* The paths that one run of git writes, each with a NUL behind it. To be freed
 * as those above. NULL with errno. */
char **worktree_paths(
    struct git *g, const struct git_call *call, const char *const *arguments);

/*
 * Which files are ignored is for those ignore files to say that are, or will
 * be, in a commit, beside the operator's own. One that is ignored itself is in
 * none: where it lies beside files that git knows it is moved beside the
 * worktree, to PATH.gitignore-TIME, and what it hid is seen. Not those of keep,
 * nor what setup has made. call as for all of w. Returns 0 or -1.
 */
int worktree_unhide(struct git *g, const struct worktree *w,
    const struct git_call *call, char *const *keep);
bool worktree_is_ignore_file(const char *path);

/* Deletes a file, or a folder with all that is in it; a link, not what it
 * leads to. g's tick() is called. Returns 0 or -1 with errno. */
int worktree_delete(const struct git *g, const char *path);

/*
 * The paths of files that differ from those of commit, by whoever's doing: also
 * those that were committed there meanwhile, and those that are new and that
 * git doesn't ignore. Nothing is touched, and somebody may be at work there. To
 * be freed by texts_free(); NULL with errno.
 */
char **
worktree_changes(struct git *g, const struct worktree *w, const char *commit);

/* A copy of its index at the path to, as recent as the index is; of one that
 * isn't there, or can't be read, none. Returns 0 or -1. */
int
worktree_copy_index(struct git *g, const struct worktree *w, const char *to);

/* Takes a worktree away with its files; the repository forgets it. Returns 0
 * or -1. */
int worktree_remove(struct git *g, const struct worktree *w);

/* Whether an admin directory is of a worktree that worktree_open() made. */
bool worktree_is_ours(const char *admin);

/* Fills in call what names the worktree. */
void worktree_call(const struct worktree *w, struct git_call *call);

/*
 * Calls one for each worktree that the repository knows, until it says false.
 * Runs no git. Returns 1 when it said false, else 0, or -1.
 */
int worktree_each(struct git *g,
    bool (*one)(void *argument, const char *admin, const char *path),
    void *argument);

#endif
