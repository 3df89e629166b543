#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "git/copy.h"
#include "git/spares.h"

static int
folder_path(const struct worktree *w, char ret[static PATH_SIZE])
{
	return path_format(ret, "%s.setup", w->path);
}

static int
spare_path(
    const struct worktree *w, uint64_t number, char ret[static PATH_SIZE])
{
	return path_format(ret, "%s.setup/%" PRIu64, w->path, number);
}

int
spares_delete(const struct git *g, const struct worktree *w)
{
	char path[PATH_SIZE];
	struct stat st;

	if (folder_path(w, path) < 0)
		return -1;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -1;
	return worktree_delete(g, path);
}

int
spares_begin(const struct git *g, const struct worktree *w)
{
	char path[PATH_SIZE];

	return folder_path(w, path) < 0 || spares_delete(g, w) < 0
	    ? -1
	    : mkdir(path, 0700);
}

int
spares_keep(const struct git *g, const struct worktree *w, const char *path,
    uint64_t number, struct manifest_entry *e)
{
	char to[PATH_SIZE];
	struct stat st;
	int in, out = -1, result = -1;

	in = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return errno == EACCES ? 0 : -1;
	if (spare_path(w, number, to) == 0)
		out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out >= 0 && copy_bytes(g, in, out) == 0 && fstat(out, &st) == 0) {
		e->fixed.number = number;
		manifest_identify(&e->fixed.copy, &st);
		result = 0;
	}
	io_close(&out);
	io_close(&in);
	return result;
}

/* The copy, for reading, as it was. -1 with ESTALE. */
static int
open_spare(const struct worktree *w, const struct manifest_entry *e)
{
	struct manifest_identity is;
	char path[PATH_SIZE];
	struct stat st;
	int fd = -1;

	if (spare_path(w, e->fixed.number, path) == 0)
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		manifest_identify(&is, &st);
		if (manifest_is_same(&is, &e->fixed.copy))
			return fd;
	}
	io_close(&fd);
	errno = ESTALE;
	return -1;
}

int
spares_make(const struct git *g, const struct worktree *w, const char *path,
    struct manifest_entry *e)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_NOW },
		manifest_mtime(e) };
	int in = open_spare(w, e), out, result = -1;
	struct stat st;

	if (in < 0)
		return -1;
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out >= 0 && copy_bytes(g, in, out) == 0 &&
	    fchmod(out, (mode_t)e->fixed.is.mode & 07777) == 0 &&
	    futimens(out, times) == 0 && fstat(out, &st) == 0) {
		manifest_identify(&e->fixed.is, &st);
		result = 0;
	}
	io_close(&out);
	io_close(&in);
	return result;
}
