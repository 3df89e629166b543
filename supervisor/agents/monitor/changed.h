/*
 * Which files the attempt that a loop is in has changed in the loop's worktree
 * since the commit that it began from, whoever committed or staged what
 * meanwhile. Looked at from outside: nothing there is touched, and the worker
 * goes on.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_CHANGED_H
#define LOOPKEEPER_AGENTS_MONITOR_CHANGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "git/worktree.h"
#include "store/progress.h"

struct changed_file {
	const char *path; /* one of paths; as git has it */
	int64_t wall_ms;  /* of its last change; of one that is gone, that of
			     the folder that it was in */
};

struct changed {
	const struct loop_config *config;
	struct git git;
	bool is_open; /* git_open() succeeded */
	struct worktree tree;
	char attempt_id[UUID_SIZE]; /* whose files these are; "": nobody's */
	char **paths; /* owned: all that git told of; NULL: none */
	struct changed_file *files; /* owned, in the order of their paths */
	size_t n;
	int64_t rest_ms; /* no look is taken before that */
};

/* config must live as long; tick as in struct git. */
void changed_init(struct changed *c, const struct loop_config *config,
    bool (*tick)(void *argument), void *argument);
void changed_finish(struct changed *c);

/*
 * Looks at what the attempt (NULL: the loop is in none) has changed by now. The
 * list stands until the next look, and while the attempt verifies and merges
 * what its worker has done. Takes as long as two runs of git; in a repository
 * where that is long it looks less often. Returns 1 with a new list, 0 with the
 * one there is, or -1 with errno and a text in git.error, and the list as it
 * was.
 */
int
changed_look(struct changed *c, const struct progress *attempt, int64_t now_ms);

#endif
