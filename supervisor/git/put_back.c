/* A snapshot in the files of a worktree again. */
#include <string.h>

#include "git/repository.h"
#include "git/snapshot.h"

/* The files as in commit; those that it doesn't have, but git knew, go. */
static int
fill(struct git *g, const struct worktree *w, const char *commit,
    const char *onto)
{
	char tree[GIT_HASH_SIZE], before[GIT_HASH_SIZE];
	struct git_call call = { 0 };

	if (repository_tree(g, commit, tree) < 0 ||
	    repository_tree(g, onto, before) < 0)
		return -1;
	/* Where neither has a file, git would find nothing to do. */
	if (strcmp(tree, before) == 0)
		return 0;
	worktree_call(w, &call);
	return git_must(g, &call,
	    (const char *const[]){ "restore", "--quiet", "--source", commit,
		"--worktree", "--no-overlay", "--", ":/", NULL });
}

int
snapshot_put_back(struct git *g, const struct worktree *w, const char *commit,
    const char *base, const char *onto, char *conflicts, size_t size)
{
	char tree[GIT_HASH_SIZE], work[GIT_HASH_SIZE], moved[GIT_HASH_SIZE];
	int applies;

	/* A worker may have committed: its own commits belong to the work. */
	if (repository_tree(g, commit, tree) < 0 ||
	    repository_write_commit(g, tree, base, "Work\n", work) < 0)
		return -1;
	applies =
	    repository_rebase(g, work, onto, "Work\n", moved, conflicts, size);
	if (applies != 1)
		return applies;
	return fill(g, w, moved, onto) < 0 ? -1 : 1;
}
