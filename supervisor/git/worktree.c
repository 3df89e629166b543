#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/texts.h"
#include "git/repository.h"
#include "git/spares.h"
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

/* Whether the admin directory is whole. Without a HEAD git takes it for none;
 * "locked" is there while it is being made. */
static bool
is_admin_whole(const struct worktree *w)
{
	char text[PATH_SIZE];

	return !has(w->admin, "locked") && has(w->admin, "index") &&
	    has(w->admin, "commondir") && read_line(w->admin, "HEAD", text) &&
	    (strncmp(text, "ref: refs/", 10) == 0 ||
		strspn(text, "0123456789abcdef") >= 40);
}

/* Whether the folder is one, and says that its admin directory is that. */
static bool
is_folder_whole(const struct worktree *w)
{
	char text[PATH_SIZE];
	struct stat st;

	return lstat(w->path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    read_line(w->path, ".git", text) &&
	    strncmp(text, "gitdir: ", 8) == 0 &&
	    strcmp(text + 8, w->admin) == 0;
}

/* Notes in the admin directory that it is ours. Returns 0 or -1. */
static int
mark(struct git *g, const struct worktree *w)
{
	char path[PATH_SIZE];

	if (worktree_is_ours(w->admin) ||
	    (path_format(path, "%s/" MARK, w->admin) == 0 &&
		io_replace_file(AT_FDCWD, path, "", 0, 0) == 0))
		return 0;
	return git_fail(g, errno, "%s/" MARK ": %s", w->admin, strerror(errno));
}

bool
worktree_is_ours(const char *admin)
{
	char path[PATH_SIZE];

	return path_format(path, "%s/" MARK, admin) == 0 &&
	    access(path, F_OK) == 0;
}

/* The folder is made one that belongs to its admin directory; what is in it
 * stays. */
static int
mend_folder(struct git *g, const struct worktree *w, char *aside)
{
	char path[PATH_SIZE], text[PATH_SIZE + 16];
	int n = snprintf(text, sizeof(text), "gitdir: %s\n", w->admin);

	if (wreck_clear_place(g, w, aside) < 0)
		return -1;
	if (path_make(w->path, 0777) < 0 ||
	    path_format(path, "%s/.git", w->path) < 0 ||
	    io_replace_file(AT_FDCWD, path, text, (size_t)n, 0) < 0)
		return git_fail(g, errno, "%s: %s", w->path, strerror(errno));
	return 0;
}

static int
add(struct git *g, struct worktree *w, const char *how, const char *commit)
{
	static const struct git_call at_top = { 0 };

	if (git_must(g, &at_top,
		(const char *const[]){ "worktree", "add", how, "--detach",
		    w->path, commit, NULL }) < 0)
		return -1;
	if (find_admin(g, w) == 1)
		return mark(g, w);
	return git_fail(g, EPROTO,
	    "git worktree add %s: the repository doesn't know it", w->path);
}

/* Makes an admin directory for the folder as it is. git makes none for one
 * that has files: they are elsewhere meanwhile. */
static int
adopt(struct git *g, struct worktree *w, const char *commit, char *aside)
{
	struct git_call call = { 0 };
	char path[PATH_SIZE], made[PATH_SIZE];

	if (path_format(path, "%s.wreck-%lld", w->path,
		(long long)clock_wall_ms()) < 0 ||
	    path_format(made, "%s/.git", w->path) < 0 ||
	    rename(w->path, path) < 0)
		return git_fail(
		    g, errno, "moving %s aside: %s", w->path, strerror(errno));
	(void)path_format(aside, "%s", path);
	if (add(g, w, "--no-checkout", commit) < 0)
		return -1;
	if (unlink(made) < 0 || rmdir(w->path) < 0 || rename(path, w->path) < 0)
		return git_fail(
		    g, errno, "moving %s back: %s", path, strerror(errno));
	aside[0] = '\0';
	worktree_call(w, &call);
	return mend_folder(g, w, aside) < 0
	    ? -1
	    : git_must(
		  g, &call, (const char *const[]){ "read-tree", commit, NULL });
}

/* Whether the folder was a worktree of this repository. */
static bool
was_ours(const struct git *g, const struct worktree *w)
{
	char text[PATH_SIZE], begin[PATH_SIZE];
	struct stat st;

	return lstat(w->path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    read_line(w->path, ".git", text) &&
	    path_format(begin, "gitdir: %s/worktrees/", g->common) == 0 &&
	    strncmp(text, begin, strlen(begin)) == 0;
}

/* The lock is held, and something is amiss. */
static int
mend(struct git *g, struct worktree *w, const char *commit, char *aside)
{
	if (w->admin[0] != '\0' && is_admin_whole(w))
		return mark(g, w) < 0 ? -1 : mend_folder(g, w, aside);
	if (wreck_clear_admin(g, w) < 0)
		return -1;
	if (was_ours(g, w))
		return adopt(g, w, commit, aside) < 0 ? -1 : 1;
	return wreck_set_aside(g, w, aside) < 0 ||
		add(g, w, "--checkout", commit) < 0
	    ? -1
	    : 1;
}

/* git notes paths without links. */
static int
set_path(struct git *g, struct worktree *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_SIZE], real[PATH_SIZE];

	if (slash == NULL || path_dirname(parent, path) < 0 ||
	    path_make(parent, 0700) < 0 || realpath(parent, real) == NULL ||
	    path_format(w->path, "%s%s", real, slash) < 0)
		return git_fail(g, errno, "%s: %s", path, strerror(errno));
	return 0;
}

int
worktree_open(struct git *g, struct worktree *w, const char *path,
    const char *commit, char *aside)
{
	char known[PATH_SIZE];
	int found = 1, lock;

	aside[0] = '\0';
	if (set_path(g, w, path) < 0)
		return -1;
	read_path(w->admin, known);
	if (w->admin[0] == '\0' || strcmp(known, w->path) != 0)
		found = find_admin(g, w);
	if (found < 0)
		return -1;
	if (found == 0)
		w->admin[0] = '\0';
	if (found > 0 && is_admin_whole(w) && is_folder_whole(w))
		return mark(g, w);
	lock = repository_lock(g, "worktrees");
	if (lock < 0)
		return -1;
	found = mend(g, w, commit, aside);
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

/* A link to where a folder was moved has git believe that nothing is amiss:
 * it looks at the files through it. */
static int
clear_links(struct git *g, const struct worktree *w)
{
	struct git_call call = { 0 };
	char path[PATH_SIZE], **killed;
	struct stat st;
	int result = 0;

	worktree_call(w, &call);
	killed = worktree_paths(g, &call,
	    (const char *const[]){ "ls-files", "-z", "--killed", NULL });
	if (killed == NULL)
		return -1;
	for (size_t i = 0; result == 0 && killed[i] != NULL; i++)
		if (path_format(path, "%s/%s", w->path, killed[i]) < 0 ||
		    (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) &&
			unlink(path) < 0))
			result = git_fail(g, errno, "deleting %s: %s",
			    killed[i], strerror(errno));
	texts_free(killed);
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
		plain =
		    clear_links(g, w) < 0 ? -1 : git_must(g, &call, arguments);
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
	if (result == 0 && spares_delete(g, w) < 0)
		result = git_fail(g, errno, "deleting %s.setup: %s", w->path,
		    strerror(errno));
	return result;
}
