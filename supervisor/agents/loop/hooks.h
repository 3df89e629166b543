/*
 * git hooks of a loop's worktrees. Worktrees share the hooks of the operator's
 * checkout, and his configuration isn't ours to touch: git is told of a folder
 * of ours, DIRECTORY/hooks, by variables of the worker's environment. Its
 * scripts hand over to the repository's own hook of that name; pre-commit and
 * pre-applypatch then have `loopkeeper check-commit` refuse files that another
 * loop has locked; reference-transaction keeps stashes, tags and all branches
 * but the loop's own, and pre-push lets nothing be pushed.
 * DIRECTORY/hooks/git.config, which git is told of as well, has pushes fail
 * that go past that hook; git reads it in the loop's repository only, so that
 * tests may push to and from their own. For what git does to stashes and to the
 * repository's configuration past all hooks DIRECTORY/bin/git comes before git.
 * A worker who means to can go around it: git by its own path writes that
 * configuration, and without our variables it pushes.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_HOOKS_H
#define LOOPKEEPER_AGENTS_LOOP_HOOKS_H

#include <stdbool.h>

#include "base/texts.h"
#include "git/worktree.h"

struct hooks {
	const char *directory;	/* absolute, of the loop */
	const char *loop;	/* its name */
	const char *repository; /* absolute */
	const char *common;	/* its git directory, absolute */
	/* What a worker commits to, beside all branches LOOP/... */
	const char *branch;
	/* A branch that nobody may move from the worktree: what gets there
	 * was verified. NULL: none. */
	const char *integration_branch;
	bool repository_hooks; /* its own hooks run, too */
	const char *program;   /* absolute: `loopkeeper` */
	const char *config;    /* absolute: its file */
};

/* Makes DIRECTORY/hooks and bin, or makes them true. No worker may
 * run. Returns 0, or -1 with errno, and in what (PATH_SIZE bytes) what it was
 * about. */
int hooks_write(const struct hooks *h, char *what);

/* Adds the variables "NAME=VALUE" that lead to it, for the environment of a
 * worker in place of those of these names: what the operator tells git in the
 * same way stays. */
void hooks_add_variables(const struct hooks *h, struct texts *t);

/*
 * For a worker who clears the environment: where the repository has
 * extensions.worktreeConfig, the worktree's own configuration names the folder
 * as well. Returns 1, 0 where it has not, or -1 as git.h.
 */
int hooks_set_worktree_config(
    struct git *g, const struct worktree *w, const struct hooks *h);

#endif
