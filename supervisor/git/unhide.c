/* Ignore files that are no part of the work, and have it hidden from git. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/texts.h"
#include "git/setup_note.h"
#include "git/wreck.h"

bool
worktree_is_ignore_file(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash != NULL ? slash + 1 : path, ".gitignore") == 0;
}

static bool
is_among(const char *path, char *const *paths)
{
	for (size_t i = 0; paths[i] != NULL; i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

/* Out of the way; whoever looks for his rules finds them beside the worktree.
 */
static int
move(struct git *g, const struct worktree *w, const char *name)
{
	char path[PATH_SIZE], aside[PATH_SIZE];

	if (path_format(path, "%s/%s", w->path, name) < 0)
		return git_fail(g, errno, "%s: %s", name, strerror(errno));
	return wreck_move_beside(g, w, path, "gitignore", aside) < 0 &&
		errno != ENOENT
	    ? -1
	    : 0;
}

/* Those of others that are ignored. */
static int
unhide(struct git *g, const struct worktree *w, char *const *others,
    char *const *ignored, char *const *keep)
{
	struct setup_note note;
	int result = setup_note_read(g, w, &note);

	for (size_t i = 0; result == 0 && others[i] != NULL; i++) {
		if (!worktree_is_ignore_file(others[i]) ||
		    !is_among(others[i], ignored) ||
		    worktree_is_kept(others[i], keep) ||
		    worktree_is_kept(others[i], note.made))
			continue;
		result = move(g, w, others[i]);
	}
	setup_note_free(&note);
	return result;
}

int
worktree_unhide(struct git *g, const struct worktree *w,
    const struct git_call *call, char *const *keep)
{
	/* Of a folder in which git knows nothing, only the folder: one that
	 * ignores itself is a cache of some tool, and stays out of sight. */
	char **others = worktree_paths(g, call,
	    (const char *const[]){
		"ls-files", "-z", "--others", "--directory", NULL });
	char **ignored = NULL;
	int result = 0;
	bool found = false;

	if (others == NULL)
		return -1;
	for (size_t i = 0; !found && others[i] != NULL; i++)
		found = worktree_is_ignore_file(others[i]);
	if (found) {
		ignored = worktree_paths(g, call,
		    (const char *const[]){ "ls-files", "-z", "--others",
			"--ignored", "--exclude-standard", "--directory",
			NULL });
		result =
		    ignored == NULL ? -1 : unhide(g, w, others, ignored, keep);
	}
	texts_free(ignored);
	texts_free(others);
	return result;
}
