/*
 * An integration branch that is swept: which loops merge into it, and the
 * worktree, of no loop, in which their tests are run again. Loops that need
 * another setup have another worktree.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_BRANCH_H
#define LOOPKEEPER_AGENTS_MONITOR_BRANCH_H

#include <stdint.h>

#include "conf/conf.h"
#include "git/provision.h"
#include "git/repository.h"

struct branch {
	const struct loop_config *config; /* the first of its loops */
	char *loops;			  /* owned: their ids, a JSON array */
	bool has_gone; /* tests of loops that are gone are run here, too */
	const char *directory; /* the caller's: of all worktrees */
	char path[PATH_SIZE];  /* of its own */
	int index;	       /* as a loop's: for ports */
	struct git git; /* for looks; work in the worktree may take longer */
	bool is_open;	/* git_open() succeeded */
	struct provision provision;
	struct worktree tree;
	char tip[GIT_HASH_SIZE]; /* of which the last sweep was; "" none yet */
	int64_t due_ms;		 /* the next one, whatever its tip */
	int64_t rest_ms;	 /* none before that */
	char why[384];		 /* it can't be swept; "": it can */
};

/*
 * Those of the configuration, with worktrees in directory/trees; directory is
 * absolute and goes through no link. tick as in struct git. Returns them, to be
 * freed by branches_free(), or NULL with errno.
 */
struct branch *branches_make(const struct conf *conf,
    const char *state_directory, const char *directory,
    bool (*tick)(void *argument), void *argument, size_t *ret_n);
void branches_free(struct branch *branches, size_t n);

/* Its tip now. Returns 1, 0 when there is no such branch yet, or -1 with a text
 * in git.error. */
int branch_tip(struct branch *b, char ret[static GIT_HASH_SIZE]);

/* Makes sure of the worktree. Nothing of ours may run in it. Returns 0, or -1
 * as worktree_open(). */
int branch_make_worktree(struct branch *b, const char *commit);

/* The names of all components as a JSON array, to be freed; NULL: no memory. */
char *branches_configured(const struct conf *conf);

#endif
