/*
 * What a worktree needs for tests to run in it, and git doesn't have: files
 * that are copied from the operator's checkout (`copy`), folders that all
 * worktrees have in common (`shared`), as links, and what the setup command
 * makes. That one is run by the caller, who tells of it.
 */
#ifndef LOOPKEEPER_GIT_PROVISION_H
#define LOOPKEEPER_GIT_PROVISION_H

#include <stdint.h>

#include "git/worktree.h"

struct provision {
	/* From the configuration; none of it owned. Lists are NULL-ended. */
	const char *repository; /* the operator's checkout */
	const char *setup;	/* "" for none */
	char *const *setup_when_changed;
	char *const *copy;
	char *const *shared;
	/* provision_init() makes these. */
	char directory[PATH_SIZE]; /* that shared paths lead to */
	char **own; /* the paths of copy and shared: nobody's work */
	/* Of what setup depends on, in that commit. */
	char fingerprint_commit[GIT_HASH_SIZE];
	uint64_t fingerprint;
};

/* Returns 0, or -1 with errno. */
int provision_init(struct provision *p, const char *state_directory);
void provision_free(struct provision *p);

/*
 * Every file as in commit, on the branch (NULL: detached), and no others but
 * copy, shared and what setup made. With `ignored`, for a checkout in which
 * nobody works, detached: also none of those that git ignores, and what setup
 * made as it was made, else it will be due; whatever code that ran there did.
 * A path of copy or shared that the commit has a file or a link in the way of
 * is left out: no link is followed. What was there before must be safe. Returns
 * 0, or -1 as git.h says.
 */
int provision_reset(struct git *g, const struct provision *p,
    const struct worktree *w, const char *branch, const char *commit,
    bool ignored);

/* Whether setup is to be run in w, which is at commit. 1, 0, or -1. With 1 it
 * counts as not set up until provision_done(): a setup that fails halfway has
 * made nothing that one can rely on. */
int provision_is_due(struct git *g, struct provision *p,
    const struct worktree *w, const char *commit);

/* It was run there with success: notes what it made; with `ignored`, as in
 * provision_reset(), keeps it, too. Returns 0 or -1. */
int provision_done(struct git *g, struct provision *p, const struct worktree *w,
    const char *commit, bool ignored);

/* Somebody else has changed w to commit: if that differs in what setup depends
 * on, he may have installed other things, and it will be due. Returns 0 or -1.
 */
int provision_doubt(struct git *g, struct provision *p,
    const struct worktree *w, const char *commit);

#endif
