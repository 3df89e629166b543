/* What a branch has that the operator's own hasn't yet. */
#ifndef LOOPKEEPER_GIT_AHEAD_H
#define LOOPKEEPER_GIT_AHEAD_H

#include <stdint.h>

#include "git/git.h"

struct ahead {
	char of[GIT_REF_SIZE]; /* the branch checked out in the repository;
				  "HEAD" where that is none */
	int64_t commits;       /* of the branch, that aren't in it */
	char diffstat[128];    /* "3 files changed, 40 insertions(+)"; "" for no
				  difference */
};

/* Of that branch. Returns 1, 0 when there is no such branch or no commit that
 * is checked out, -1. */
int ahead_look(struct git *g, const char *branch, struct ahead *ret);

#endif
