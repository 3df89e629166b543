#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/texts.h"
#include "git/admin.h"
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

int
worktree_find(struct git *g, struct worktree *w)
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

/* Makes an admin directory for the folder: for what is in it, or for nothing,
 * where the files are written as well. */
static int
make(struct git *g, struct worktree *w, const char *commit, bool is_new,
    char *aside)
{
	static const char *const read[] = { "read-tree", "HEAD", NULL },
				 *const write[] = { "reset", "-q", "--hard",
					 NULL };
	struct git_call call = { 0 };

	if (admin_make(g, w, commit) < 0 || mark(g, w) < 0 ||
	    mend_folder(g, w, aside) < 0)
		return -1;
	worktree_call(w, &call);
	if (git_must(g, &call, is_new ? write : read) < 0 ||
	    (is_new && worktree_trust(g, w) < 0))
		return -1;
	return admin_unlock(g, w) < 0 ? -1 : 1;
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
		return make(g, w, commit, false, aside);
	return wreck_set_aside(g, w, aside) < 0
	    ? -1
	    : make(g, w, commit, true, aside);
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
		found = worktree_find(g, w);
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
