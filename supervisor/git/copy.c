#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "git/copy.h"
#include "git/worktree.h"

#define COPY_STEP (16 * 1024 * 1024)
#define PASS_SIZE (64 * 1024)

/* Between file systems, and on some, the kernel can't: from where the two
 * files are, through our own hands. */
static int
pass_bytes(const struct git *g, int in, int out)
{
	char bytes[PASS_SIZE];
	ssize_t n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (git_tick(g) < 0 || io_write_all(out, bytes, (size_t)n) < 0)
			return -1;
	return n < 0 ? -1 : 0;
}

int
copy_bytes(const struct git *g, int in, int out)
{
	ssize_t n;

	do
		n = copy_file_range(in, NULL, out, NULL, COPY_STEP, 0);
	while (n > 0 && git_tick(g) == 0);
	if (n > 0)
		return -1;
	if (n < 0 &&
	    (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
		errno == EOPNOTSUPP))
		return pass_bytes(g, in, out);
	return n < 0 ? -1 : 0;
}

static int
copy_file(const struct git *g, const char *from, const char *to,
    const struct stat *st)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, result = -1;

	if (in >= 0)
		out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    st->st_mode & 0777);
	if (out >= 0)
		result = copy_bytes(g, in, out);
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

static bool
leads_alike(const char *a, const char *b)
{
	char targets[2][PATH_SIZE];
	ssize_t n = readlink(a, targets[0], PATH_SIZE);

	return n >= 0 && readlink(b, targets[1], PATH_SIZE) == n &&
	    memcmp(targets[0], targets[1], (size_t)n) == 0;
}

/* Whether what is there needn't be brought anew. */
static bool
is_same(const char *from, const struct stat *a, const char *to,
    const struct stat *b)
{
	if ((a->st_mode & S_IFMT) != (b->st_mode & S_IFMT))
		return false;
	if (S_ISLNK(a->st_mode))
		return leads_alike(from, to);
	return S_ISDIR(a->st_mode) ||
	    (S_ISREG(a->st_mode) && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec);
}

/* A folder is one to write to, whatever a worker made of it. */
static int
open_folder(const char *path, const struct stat *st)
{
	return !S_ISDIR(st->st_mode) || (st->st_mode & S_IRWXU) == S_IRWXU
	    ? 0
	    : chmod(path, (st->st_mode & 0777) | S_IRWXU);
}

/* One thing that was met: what isn't there, or was changed, is copied. */
static int
copy_entry(const struct git *g, const FTSENT *entry, const char *to)
{
	struct stat st;

	if (lstat(to, &st) == 0) {
		if (is_same(entry->fts_accpath, entry->fts_statp, to, &st))
			return open_folder(to, &st);
		if (worktree_delete(g, to) < 0)
			return -1;
	}
	switch (entry->fts_info) {
	case FTS_D:
		/* What is in it comes after it. */
		return mkdir(to, (entry->fts_statp->st_mode & 0777) | S_IRWXU);
	case FTS_F:
		return copy_file(g, entry->fts_accpath, to, entry->fts_statp);
	case FTS_SL:
	case FTS_SLNONE: return copy_link(entry->fts_accpath, to);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS: errno = entry->fts_errno; return -1;
	default: return 0;
	}
}

int
copy_tree(const struct git *g, const char *from, const char *to)
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
		if (result == 0)
			result = git_tick(g);
		if (result == 0 && entry->fts_info != FTS_DP)
			result = copy_entry(g, entry, path);
	}
	saved = errno;
	(void)fts_close(walk);
	errno = saved;
	return result;
}
