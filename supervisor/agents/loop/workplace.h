/*
 * Where a loop works: a worktree for its worker, on the loop's branch, and a
 * checkout in which tests are run, detached, out of the worker's reach. Both
 * stay from one attempt to the next, with what setup has made in them.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_WORKPLACE_H
#define LOOPKEEPER_AGENTS_LOOP_WORKPLACE_H

#include <time.h>

#include "conf/conf.h"
#include "git/provision.h"
#include "git/repository.h"

enum workplace_tree { TREE_WORK, TREE_VERIFY };
#define WORKPLACE_TREES 2

struct workplace {
	const struct loop_config *config;
	struct git git;
	bool is_open; /* git_open() succeeded */
	struct worktree trees[WORKPLACE_TREES];
	/* Whether git was asked what it works on there (worktree_prove()) since
	 * the tree was made and the repository's configuration written. */
	bool is_proven[WORKPLACE_TREES];
	struct timespec configured[WORKPLACE_TREES]; /* what it was then */
	struct provision provision;
	uint64_t exclude; /* of info/exclude as it was at first; 0: unknown */
	/* What was set aside by the last call, to be told; "" for nothing. */
	char aside[PATH_SIZE];
};

/* config must live as long; tick as in struct git. Returns 0, or -1 with
 * errno. */
int workplace_init(struct workplace *w, const struct loop_config *config,
    const char *state_directory, bool (*tick)(void *), void *argument);
void workplace_free(struct workplace *w);

/*
 * The tip of the integration branch, made where it isn't there. Opens the
 * repository and makes both trees. Nothing of ours may run in them. Returns 0,
 * or -1 with errno of git.h and a text in git.error: EAGAIN, EBUSY: try again
 * soon; EPERM: the branch is checked out somewhere.
 */
int workplace_open(struct workplace *w, char ret_tip[static GIT_HASH_SIZE]);

/* The tip alone, and whether it may be moved. Returns as above. */
int workplace_tip(struct workplace *w, char ret[static GIT_HASH_SIZE]);

/* Whatever was done to the folder, it is a worktree again, with the files that
 * are in it (worktree.h). Returns 0 or -1. */
int workplace_mend(
    struct workplace *w, enum workplace_tree tree, const char *commit);

/*
 * Every file as in commit, and no others but what setup made, copy and shared.
 * What the worker's tree held must be safe. Returns 0, or -1.
 */
int workplace_reset(
    struct workplace *w, enum workplace_tree tree, const char *commit);

#endif
