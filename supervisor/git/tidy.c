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

#include "base/texts.h"
#include "git/worktree.h"
#include "git/wreck.h"

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

/* Whether b is a, or lies in it. */
static bool
is_within(const char *a, const char *b)
{
	size_t n = strlen(a);

	while (n > 0 && a[n - 1] == '/')
		n--;
	return strncmp(a, b, n) == 0 && (b[n] == '/' || b[n] == '\0');
}

bool
worktree_lies_in(const char *path, char *const *paths)
{
	for (size_t i = 0; paths != NULL && paths[i] != NULL; i++)
		if (is_within(paths[i], path))
			return true;
	return false;
}

static bool
holds(const char *path, char *const *paths)
{
	for (size_t i = 0; paths != NULL && paths[i] != NULL; i++)
		if (is_within(path, paths[i]))
			return true;
	return false;
}

bool
worktree_is_kept(const char *path, char *const *keep)
{
	return worktree_lies_in(path, keep) || holds(path, keep);
}

/* Caches of some tools may not be written. */
static void
unlock(const FTSENT *folder)
{
	if ((folder->fts_statp->st_mode & S_IRWXU) != S_IRWXU)
		(void)chmod(folder->fts_accpath, S_IRWXU);
}

int
worktree_delete(const struct git *g, const char *path)
{
	char *const paths[] = { (char *)(uintptr_t)path, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int error = 0;

	if (walk == NULL)
		return -1;
	while (error != ECANCELED && (entry = fts_read(walk)) != NULL) {
		if (git_tick(g) < 0) {
			error = errno;
			continue;
		}
		if (entry->fts_info == FTS_D) {
			unlock(entry);
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
has_repository(const struct git *g, const char *path)
{
	char *const paths[] = { (char *)(uintptr_t)path, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int found = 0, saved;

	if (walk == NULL)
		return -1;
	while (found == 0 && (entry = fts_read(walk)) != NULL)
		found =
		    git_tick(g) < 0 ? -1 : strcmp(entry->fts_name, ".git") == 0;
	if (found == 0 && errno != 0)
		found = -1;
	saved = errno;
	(void)fts_close(walk);
	errno = saved;
	return found;
}

/* What stays of that which git doesn't know; each list may be NULL. */
struct stay {
	char *const *keep;
	char *const *spare;
	char **ignored;
	bool repositories; /* beside the worktree */
};

static bool
stays(const struct stay *s, const char *path)
{
	return worktree_lies_in(path, s->keep) ||
	    worktree_lies_in(path, s->spare);
}

static int
take_away(struct git *g, const struct worktree *w, const struct stay *s,
    const char *path)
{
	/* The snapshot doesn't have what is in another repository. */
	int found = s->repositories ? has_repository(g, path) : 0;
	char aside[PATH_SIZE];

	if (found > 0)
		return wreck_move_beside(g, w, path, "inner", aside);
	if (found < 0 || worktree_delete(g, path) < 0)
		return git_fail(
		    g, errno, "deleting %s: %s", path, strerror(errno));
	return 0;
}

/* One that was met: it goes, stays, or is a folder of both. */
static int
tidy_entry(struct git *g, const struct worktree *w, const struct stay *s,
    FTS *walk, FTSENT *entry)
{
	const char *path = entry->fts_path + strlen(w->path) + 1;
	/* What was told isn't ignored, though it may ignore all that is in it.
	 */
	bool does_stay = stays(s, path) ||
	    (entry->fts_level > FTS_ROOTLEVEL &&
		worktree_lies_in(path, s->ignored));

	if (entry->fts_info == FTS_DP)
		return 0;
	if (entry->fts_info == FTS_DNR)
		return git_fail(g, entry->fts_errno, "%s: %s", entry->fts_path,
		    strerror(entry->fts_errno));
	if (!does_stay && entry->fts_info == FTS_D &&
	    (holds(path, s->keep) || holds(path, s->spare))) {
		unlock(entry);
		return 0;
	}
	(void)fts_set(walk, entry, FTS_SKIP);
	return does_stay ? 0 : take_away(g, w, s, entry->fts_path);
}

/* What git tells as one may be a folder in which something stays. */
static int
tidy_one(struct git *g, const struct worktree *w, const struct stay *s,
    const char *other)
{
	char path[PATH_SIZE];
	char *const paths[] = { path, NULL };
	int result = 0, saved;
	FTSENT *entry;
	FTS *walk;

	if (path_format(path, "%s/%s", w->path, other) < 0)
		return git_fail(g, errno, "%s: %s", other, strerror(errno));
	if (path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (walk == NULL)
		return git_fail(g, errno, "%s: %s", path, strerror(errno));
	while (result == 0 && (entry = fts_read(walk)) != NULL)
		result = tidy_entry(g, w, s, walk, entry);
	saved = errno;
	(void)fts_close(walk);
	errno = saved;
	return result;
}

/* In a folder that holds what stays, what git ignores stays as elsewhere. */
static int
spare_ignored(struct git *g, const struct worktree *w, struct stay *s,
    char *const *others)
{
	for (size_t i = 0; others[i] != NULL; i++)
		if (holds(others[i], s->keep) || holds(others[i], s->spare)) {
			s->ignored = worktree_ignored(g, w);
			return s->ignored == NULL ? -1 : 0;
		}
	return 0;
}

/* What git doesn't know is to be told by the rules of the commit: ignore files
 * that it doesn't know either go before it is asked. */
static int
forget_rules(struct git *g, const struct worktree *w, const struct stay *s)
{
	char path[PATH_SIZE], **others = list(g, w, NULL, NULL);
	int result = others == NULL ? -1 : 0;

	for (size_t i = 0; result == 0 && others[i] != NULL; i++)
		if (worktree_is_ignore_file(others[i]) &&
		    !stays(s, others[i]) &&
		    (path_format(path, "%s/%s", w->path, others[i]) < 0 ||
			(unlink(path) < 0 && errno != ENOENT)))
			result = git_fail(g, errno, "deleting %s: %s",
			    others[i], strerror(errno));
	texts_free(others);
	return result;
}

int
worktree_tidy(struct git *g, const struct worktree *w, bool ignored,
    char *const *keep, char *const *spare)
{
	struct stay s = {
		.keep = keep, .spare = spare, .repositories = !ignored
	};
	char **others = NULL;
	int result = ignored ? 0 : forget_rules(g, w, &s);

	if (result == 0)
		others =
		    list(g, w, ignored ? NULL : "--exclude-standard", NULL);
	if (others == NULL)
		return -1;
	if (!ignored)
		result = spare_ignored(g, w, &s, others);
	for (size_t i = 0; result == 0 && others[i] != NULL; i++)
		result = tidy_one(g, w, &s, others[i]);
	texts_free(s.ignored);
	texts_free(others);
	return result;
}
