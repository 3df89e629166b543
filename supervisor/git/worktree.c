#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "git/repository.h"
#include "git/worktree.h"
#include "git/wreck.h"

#define MARK "loopkeeper" /* a file in the admin directory */

void
worktree_call(const struct worktree *w, struct git_call *call)
{
	call->work_tree = w->path;
	call->git_dir = w->admin;
}

/* The folder that an admin directory is for; "" when it doesn't say. */
static void
read_path(const char *admin, char ret[static PATH_SIZE])
{
	char file[PATH_SIZE];
	size_t len;

	ret[0] = '\0';
	if (path_format(file, "%s/gitdir", admin) < 0 ||
	    io_read_file(AT_FDCWD, file, ret, PATH_SIZE) < 0) {
		ret[0] = '\0';
		return;
	}
	len = strcspn(ret, "\n");
	if (len > 5 && strncmp(ret + len - 5, "/.git", 5) == 0)
		len -= 5;
	ret[len] = '\0';
}

int
worktree_each(struct git *g,
    bool (*one)(void *argument, const char *admin, const char *path),
    void *argument)
{
	char path[PATH_SIZE], admin[PATH_SIZE];
	struct dirent *entry;
	bool more = true;
	DIR *all = NULL;

	if (path_format(path, "%s/worktrees", g->common) == 0)
		all = opendir(path);
	if (all == NULL)
		return errno == ENOENT
		    ? 0
		    : git_fail(g, errno, "%s: %s", path, strerror(errno));
	while (more && (entry = readdir(all)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    path_format(
			admin, "%s/worktrees/%s", g->common, entry->d_name) < 0)
			continue;
		read_path(admin, path);
		more = one(argument, admin, path);
	}
	(void)closedir(all);
	return !more;
}

struct search {
	const char *path;
	char *ret;
};

static bool
is_other(void *argument, const char *admin, const char *path)
{
	struct search *s = argument;

	if (strcmp(path, s->path) != 0)
		return true;
	(void)path_format(s->ret, "%s", admin);
	return false;
}

/* The admin directory of the worktree at w->path. 1, 0 none, -1. */
static int
find_admin(struct git *g, struct worktree *w)
{
	struct search s = { .path = w->path, .ret = w->admin };

	return worktree_each(g, is_other, &s);
}

/* Reads a small file of one line. */
static bool
read_line(const char *directory, const char *name, char ret[static PATH_SIZE])
{
	char path[PATH_SIZE];

	if (path_format(path, "%s/%s", directory, name) < 0 ||
	    io_read_file(AT_FDCWD, path, ret, PATH_SIZE) < 0)
		return false;
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

static bool
has(const char *directory, const char *name)
{
	char path[PATH_SIZE];

	return path_format(path, "%s/%s", directory, name) == 0 &&
	    access(path, F_OK) == 0;
}

/* Whether both halves are there and whole: the folder says where its admin
 * directory is, and that is the one that names the folder. Without a HEAD git
 * takes it for none; "locked" is there while it is being made. */
static bool
is_whole(const struct worktree *w)
{
	char text[PATH_SIZE];

	return !has(w->admin, "locked") && has(w->admin, "index") &&
	    has(w->admin, "commondir") && read_line(w->admin, "HEAD", text) &&
	    (strncmp(text, "ref: refs/", 10) == 0 ||
		strspn(text, "0123456789abcdef") >= 40) &&
	    read_line(w->path, ".git", text) &&
	    strncmp(text, "gitdir: ", 8) == 0 &&
	    strcmp(text + 8, w->admin) == 0;
}

/* Notes in the admin directory that it is ours. */
static int
mark(struct git *g, const struct worktree *w)
{
	char path[PATH_SIZE];

	if (path_format(path, "%s/" MARK, w->admin) == 0 &&
	    io_replace_file(AT_FDCWD, path, "", 0, 0) == 0)
		return 1;
	return git_fail(g, errno, "%s/" MARK ": %s", w->admin, strerror(errno));
}

bool
worktree_is_ours(const char *admin)
{
	char path[PATH_SIZE];

	return path_format(path, "%s/" MARK, admin) == 0 &&
	    access(path, F_OK) == 0;
}

static int
make(struct git *g, struct worktree *w, const char *commit)
{
	static const struct git_call at_top = { 0 };

	if (git_must(g, &at_top,
		(const char *const[]){
		    "worktree", "add", "--detach", w->path, commit, NULL }) < 0)
		return -1;
	if (find_admin(g, w) == 1)
		return mark(g, w);
	return git_fail(g, EPROTO,
	    "git worktree add %s: the repository doesn't know it", w->path);
}

/* git notes paths without links, of what need not be there yet. */
static int
resolve(char ret[static PATH_SIZE], const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_SIZE], real[PATH_SIZE];

	return path_dirname(folder, path) < 0 || slash == NULL ||
		realpath(folder, real) == NULL
	    ? -1
	    : path_format(ret, "%s%s", real, slash);
}

int
worktree_open(struct git *g, struct worktree *w, const char *path,
    const char *commit, char *aside)
{
	int found, lock;

	aside[0] = '\0';
	if (resolve(w->path, path) < 0)
		return git_fail(g, errno, "%s: %s", path, strerror(errno));
	found = find_admin(g, w);
	if (found < 0)
		return -1;
	if (found > 0 && is_whole(w))
		return worktree_is_ours(w->admin) || mark(g, w) > 0 ? 0 : -1;
	lock = repository_lock(g, "worktrees");
	if (lock < 0)
		return -1;
	if (found == 0)
		w->admin[0] = '\0';
	found = wreck_set_aside(g, w, aside) < 0 ? -1 : make(g, w, commit);
	io_close(&lock);
	return found;
}

int
worktree_is_plain(struct git *g, const struct worktree *w)
{
	char *output = NULL;
	size_t len = 0;
	struct git_call call = { .ret_output = &output, .ret_len = &len };
	int plain = 1;

	worktree_call(w, &call);
	if (git_must(g, &call,
		(const char *const[]){ "ls-files", "-v", "-z", NULL }) < 0)
		return errno == EPROTO ? 0 : -1;
	/* A letter, a blank, a path. */
	for (char *p = output; p < output + len; p += strlen(p) + 1)
		if (*p != 'H' && *p != 'M')
			plain = 0;
	free(output);
	return plain;
}

/* The same checkout without the index, which is put back where that fails: a
 * worktree without one counts as a wreck. */
static int
check_out_anew(struct git *g, const struct worktree *w,
    const struct git_call *call, const char *const *arguments)
{
	char path[PATH_SIZE], aside[PATH_SIZE];
	int result, error;

	if (path_format(path, "%s/index", w->admin) < 0 ||
	    path_format(aside, "%s/index.aside", w->admin) < 0 ||
	    (rename(path, aside) < 0 && errno != ENOENT))
		return git_fail(
		    g, errno, "%s/index: %s", w->admin, strerror(errno));
	result = git_must(g, call, arguments);
	error = errno;
	if (result < 0)
		(void)rename(aside, path);
	else
		(void)unlink(aside);
	errno = error;
	return result;
}

int
worktree_reset(struct git *g, const struct worktree *w, const char *branch,
    const char *commit)
{
	const char *const on_branch[] = { "checkout", "-q", "--force",
		"--no-track", "-B", branch, commit, NULL };
	const char *const detached[] = { "checkout", "-q", "--force",
		"--detach", commit, NULL };
	const char *const *arguments = branch != NULL ? on_branch : detached;
	struct git_call call = { 0 };
	int plain;

	worktree_call(w, &call);
	/* What a worker has left half-way: a merge, a rebase, a bisect. */
	if (wreck_forget_operations(g, w) < 0)
		return -1;
	/* An index that he has damaged, or told not to look at files, goes. */
	plain = worktree_is_plain(g, w);
	if (plain < 0)
		return -1;
	if (plain > 0) {
		plain = git_must(g, &call, arguments);
		if (plain == 0 || errno != EPROTO)
			return plain;
		/* Not every damage is seen before. */
	}
	return check_out_anew(g, w, &call, arguments);
}

int
worktree_remove(struct git *g, const struct worktree *w)
{
	static const struct git_call at_top = { 0 };
	int lock = repository_lock(g, "worktrees"), result;

	if (lock < 0)
		return -1;
	result = git_must(g, &at_top,
	    (const char *const[]){
		"worktree", "remove", "--force", "--force", w->path, NULL });
	io_close(&lock);
	return result;
}
