#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/loop/provision.h"
#include "base/io.h"

#define COPY_STEP (16 * 1024 * 1024)

static int
make_parent(const char *path)
{
	char directory[PATH_SIZE];

	return path_dirname(directory, path) < 0 ? -1
						 : path_make(directory, 0777);
}

static int
copy_bytes(int in, int out)
{
	ssize_t n;

	do
		n = copy_file_range(in, NULL, out, NULL, COPY_STEP, 0);
	while (n > 0);
	return n < 0 ? -1 : 0;
}

static int
copy_file(const char *from, const char *to, const struct stat *st)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, result = -1;

	if (in >= 0)
		out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    st->st_mode & 0777);
	if (out >= 0)
		result = copy_bytes(in, out);
	/* By its time it is known again. */
	if (result == 0)
		result = futimens(
		    out, (const struct timespec[]){ st->st_atim, st->st_mtim });
	io_close(&out);
	io_close(&in);
	return result;
}

static int
copy_link(const char *from, const char *to)
{
	char target[PATH_SIZE];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = '\0';
	return symlink(target, to);
}

/* Whether what is there needn't be brought anew. A link is, always. */
static bool
is_same(const struct stat *a, const struct stat *b)
{
	if (!S_ISREG(a->st_mode))
		return S_ISDIR(a->st_mode) && S_ISDIR(b->st_mode);
	return S_ISREG(b->st_mode) && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* One thing that was met: what isn't there, or was changed, is copied. */
static int
copy_entry(const FTSENT *entry, const char *to)
{
	struct stat st;

	if (lstat(to, &st) == 0) {
		if (is_same(entry->fts_statp, &st))
			return 0;
		if (worktree_delete(to) < 0)
			return -1;
	}
	switch (entry->fts_info) {
	case FTS_D: return mkdir(to, entry->fts_statp->st_mode & 0777);
	case FTS_F: return copy_file(entry->fts_accpath, to, entry->fts_statp);
	case FTS_SL:
	case FTS_SLNONE: return copy_link(entry->fts_accpath, to);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS: errno = entry->fts_errno; return -1;
	default: return 0;
	}
}

/* A file, or a folder with all that is in it. */
static int
copy(const char *from, const char *to)
{
	char *const paths[] = { (char *)(uintptr_t)from, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	char path[PATH_SIZE];
	FTSENT *entry;
	int result = 0, saved;

	if (walk == NULL)
		return -1;
	while (result == 0 && (entry = fts_read(walk)) != NULL) {
		result = path_format(
		    path, "%s%s", to, entry->fts_path + strlen(from));
		if (result == 0 && entry->fts_info != FTS_DP)
			result = copy_entry(entry, path);
	}
	saved = errno;
	(void)fts_close(walk);
	errno = saved;
	return result;
}

static int
bring_copy(struct workplace *w, const struct worktree *tree, const char *name)
{
	char from[PATH_SIZE], to[PATH_SIZE];
	struct stat st;

	if (path_format(from, "%s/%s", w->config->repository, name) < 0 ||
	    path_format(to, "%s/%s", tree->path, name) < 0 ||
	    lstat(from, &st) < 0 || make_parent(to) < 0 || copy(from, to) < 0)
		return git_fail(&w->git, errno, "copy: %s/%s: %s",
		    w->config->repository, name, strerror(errno));
	return 0;
}

/* Whether link leads to folder already. */
static bool
is_link_to(const char *link, const char *folder)
{
	char target[PATH_SIZE];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = '\0';
	return strcmp(target, folder) == 0;
}

/* A link to the folder of that name that all have in common; what the worker
 * put in its place goes. */
static int
bring_shared(struct workplace *w, const struct worktree *tree, const char *name)
{
	char folder[PATH_SIZE], link[PATH_SIZE];
	struct stat st;

	if (path_format(folder, "%s/%s", w->shared, name) < 0 ||
	    path_format(link, "%s/%s", tree->path, name) < 0 ||
	    path_make(folder, 0700) < 0 || make_parent(link) < 0)
		return git_fail(
		    &w->git, errno, "shared: %s: %s", name, strerror(errno));
	if (is_link_to(link, folder))
		return 0;
	if ((lstat(link, &st) == 0 && worktree_delete(link) < 0) ||
	    symlink(folder, link) < 0)
		return git_fail(&w->git, errno, "shared: %s/%s: %s", tree->path,
		    name, strerror(errno));
	return 0;
}

int
provision_tree(struct workplace *w, const struct worktree *tree)
{
	const struct loop_config *c = w->config;

	for (size_t i = 0; c->copy[i] != NULL; i++)
		if (bring_copy(w, tree, c->copy[i]) < 0)
			return -1;
	for (size_t i = 0; c->shared[i] != NULL; i++)
		if (bring_shared(w, tree, c->shared[i]) < 0)
			return -1;
	return 0;
}
