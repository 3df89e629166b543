/* What git doesn't know of a worktree, and away with it. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/texts.h"
#include "git/worktree.h"

char **
worktree_paths(
    struct git *g, const struct git_call *call, const char *const *arguments)
{
	struct git_call c = *call;
	struct texts paths = { 0 };
	char *output = NULL;
	size_t len = 0;

	c.ret_output = &output;
	c.ret_len = &len;
	if (git_must(g, &c, arguments) < 0)
		return NULL;
	for (const char *p = output; p < output + len; p += strlen(p) + 1)
		(void)texts_add(&paths, p);
	free(output);
	if (paths.failed)
		(void)git_fail(
		    g, ENOMEM, "git %s: out of memory", arguments[0]);
	return texts_take(&paths);
}

/* What isn't git's; options are more of ls-files', NULL for none. */
static char **
list(struct git *g, const struct worktree *w, const char *option,
    const char *more)
{
	struct git_call call = { 0 };

	worktree_call(w, &call);
	return worktree_paths(g, &call,
	    (const char *const[]){ "ls-files", "-z", "--others", "--directory",
		option, more, NULL });
}

char **
worktree_ignored(struct git *g, const struct worktree *w)
{
	return list(g, w, "--exclude-standard", "--ignored");
}

/* Whether one path is the other, or lies in it. */
static bool
is_within(const char *a, const char *b)
{
	size_t n = strlen(a);

	while (n > 0 && a[n - 1] == '/')
		n--;
	return strncmp(a, b, n) == 0 && (b[n] == '/' || b[n] == '\0');
}

bool
worktree_is_kept(const char *path, char *const *keep)
{
	for (size_t i = 0; keep != NULL && keep[i] != NULL; i++)
		if (is_within(path, keep[i]) || is_within(keep[i], path))
			return true;
	return false;
}

int
worktree_delete(const char *path)
{
	char *const paths[] = { (char *)(uintptr_t)path, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int error = 0;

	if (walk == NULL)
		return -1;
	while ((entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_D) {
			/* Caches of some tools may not be written. */
			if ((entry->fts_statp->st_mode & S_IRWXU) != S_IRWXU)
				(void)chmod(entry->fts_accpath, S_IRWXU);
			continue;
		}
		if (remove(entry->fts_accpath) < 0 && errno != ENOENT)
			error = errno;
	}
	(void)fts_close(walk);
	errno = error;
	return error != 0 ? -1 : 0;
}

/* Whether path is or holds a repository. 1, 0, or -1 with errno. */
static int
has_repository(const char *path)
{
	char *const paths[] = { (char *)(uintptr_t)path, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int found = 0;

	if (walk == NULL)
		return -1;
	while (found == 0 && (entry = fts_read(walk)) != NULL)
		found = strcmp(entry->fts_name, ".git") == 0;
	if (found == 0 && errno != 0)
		found = -1;
	(void)fts_close(walk);
	return found;
}

/* Several may go in one millisecond. */
static int
set_aside(const struct worktree *w, const char *path)
{
	long long now_ms = clock_wall_ms();
	char aside[PATH_SIZE];
	int result;

	do
		result = path_format(aside, "%s.inner-%lld", w->path, now_ms++);
	while (result == 0 && access(aside, F_OK) == 0);
	return result < 0 ? -1 : rename(path, aside);
}

static int
take_away(struct git *g, const struct worktree *w, const char *other)
{
	char path[PATH_SIZE];
	size_t len;
	int found;

	if (path_format(path, "%s/%s", w->path, other) < 0)
		return git_fail(g, errno, "%s: %s", other, strerror(errno));
	len = strlen(path);
	if (path[len - 1] == '/')
		path[len - 1] = '\0';
	/* The snapshot doesn't have what is in another repository. */
	found = has_repository(path);
	if (found < 0 ||
	    (found > 0 ? set_aside(w, path) : worktree_delete(path)) < 0)
		return git_fail(
		    g, errno, "deleting %s: %s", path, strerror(errno));
	return 0;
}

int
worktree_tidy(struct git *g, const struct worktree *w, bool ignored,
    char *const *keep, char *const *spare)
{
	char **others = list(g, w, ignored ? NULL : "--exclude-standard", NULL);
	int result = others == NULL ? -1 : 0;

	for (size_t i = 0; result == 0 && others[i] != NULL; i++)
		if (!worktree_is_kept(others[i], keep) &&
		    !worktree_is_kept(others[i], spare))
			result = take_away(g, w, others[i]);
	texts_free(others);
	return result;
}
