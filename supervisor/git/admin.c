#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "git/admin.h"
#include "git/copy.h"
#include "git/repository.h"

static int
write_line(const char *directory, const char *name, const char *text)
{
	char path[PATH_SIZE], line[PATH_SIZE + 8];
	int n = snprintf(line, sizeof(line), "%s\n", text);

	return path_format(path, "%s/%s", directory, name) < 0
	    ? -1
	    : io_replace_file(AT_FDCWD, path, line, (size_t)n, 0);
}

/* What the repository's own checkout has for its configuration a new worktree
 * is given, too (git-worktree(1), CONFIGURATION FILE). */
static int
copy_config(const struct git *g, const char *directory)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	if (path_format(from, "%s/config.worktree", g->common) < 0 ||
	    path_format(to, "%s/config.worktree", directory) < 0)
		return -1;
	return access(from, F_OK) < 0 && errno == ENOENT
	    ? 0
	    : copy_tree(g, from, to);
}

/* Writes one where nobody looks. */
static int
prepare(const struct git *g, const struct worktree *w, const char *hash,
    const char *directory)
{
	char folder[PATH_SIZE];

	return worktree_delete(g, directory) < 0 ||
		path_format(folder, "%s/.git", w->path) < 0 ||
		mkdir(directory, 0777) < 0 ||
		write_line(directory, "locked", "initializing") < 0 ||
		write_line(directory, "gitdir", folder) < 0 ||
		write_line(directory, "commondir", "../..") < 0 ||
		write_line(directory, "HEAD", hash) < 0
	    ? -1
	    : copy_config(g, directory);
}

/* Moves it to the first free place for the folder's name, as git names them. */
static int
put(const struct git *g, struct worktree *w, const char *directory)
{
	const char *name = strrchr(w->path, '/') + 1;
	char path[PATH_SIZE], number[16] = "";

	if (path_format(path, "%s/worktrees", g->common) < 0 ||
	    path_make(path, 0777) < 0)
		return -1;
	for (unsigned n = 1;; n++) {
		if (path_format(
			path, "%s/worktrees/%s%s", g->common, name, number) < 0)
			return -1;
		if (rename(directory, path) == 0)
			return path_format(w->admin, "%s", path);
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			return -1;
		(void)snprintf(number, sizeof(number), "%u", n);
	}
}

int
admin_make(struct git *g, struct worktree *w, const char *commit)
{
	char hash[GIT_HASH_SIZE], directory[PATH_SIZE];
	int found = repository_commit(g, commit, hash);

	if (found <= 0)
		return found < 0 ? -1
				 : git_fail(g, EPROTO,
				       "%s: there is no such commit", commit);
	if (path_format(directory, "%s/loopkeeper/worktree.new", g->common) <
		0 ||
	    prepare(g, w, hash, directory) < 0 || put(g, w, directory) < 0)
		return git_fail(g, errno, "making a worktree of %s at %s: %s",
		    g->common, w->path, strerror(errno));
	return 0;
}

int
admin_unlock(struct git *g, const struct worktree *w)
{
	char path[PATH_SIZE];

	return path_format(path, "%s/locked", w->admin) == 0 &&
		unlink(path) == 0
	    ? 0
	    : git_fail(g, errno, "%s/locked: %s", w->admin, strerror(errno));
}
