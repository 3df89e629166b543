/* A snapshot in the files of a worktree again. */
#include <errno.h>
#include <string.h>

#include "base/texts.h"
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

/* What commit has changed since base, as one commit on base: a worker may have
 * committed, and its own commits belong to the work. */
static int
gather(struct git *g, const char *commit, const char *base,
    char ret[static GIT_HASH_SIZE])
{
	char tree[GIT_HASH_SIZE];

	return repository_tree(g, commit, tree) < 0
	    ? -1
	    : repository_write_commit(g, tree, base, "Work\n", ret);
}

int
snapshot_move(struct git *g, const char *commit, const char *base,
    const char *onto, char ret[static GIT_HASH_SIZE], char *conflicts,
    size_t size)
{
	char work[GIT_HASH_SIZE];

	if (gather(g, commit, base, work) < 0)
		return -1;
	return repository_rebase(g, work, onto, "Work\n", ret, conflicts, size);
}

int
snapshot_put_back(struct git *g, const struct worktree *w, const char *commit,
    const char *base, const char *onto, char *conflicts, size_t size)
{
	char moved[GIT_HASH_SIZE];
	int applies =
	    snapshot_move(g, commit, base, onto, moved, conflicts, size);

	if (applies != 1)
		return applies;
	return fill(g, w, moved, onto) < 0 ? -1 : 1;
}

int
snapshot_put_over(struct git *g, const struct worktree *w, const char *commit,
    const char *base, const char *onto)
{
	char work[GIT_HASH_SIZE], tree[GIT_HASH_SIZE], index[PATH_SIZE];
	char **paths;
	int result;

	if (path_format(index, "%s/loopkeeper-index", w->admin) < 0)
		return git_fail(g, errno, "%s: %s", w->admin, strerror(errno));
	if (gather(g, commit, base, work) < 0)
		return -1;
	paths = repository_merge(g, work, onto, tree);
	if (paths == NULL)
		return -1;
	result = paths[0] == NULL
	    ? 0
	    : snapshot_restore(g, tree, work, paths, index, tree);
	texts_free(paths);
	return result < 0 ? -1 : fill(g, w, tree, onto);
}
