#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/io.h"
#include "store/intake_scan.h"

static const char suffix[] = ".jsonl";

static bool
is_spool_name(const char *name)
{
	size_t len = strlen(name);

	return len > sizeof(suffix) - 1 && name[0] != '.' &&
	    strcmp(name + len - (sizeof(suffix) - 1), suffix) == 0;
}

static int
note_file(struct intake *i, bool on_disk, const char *path, const FTSENT *e)
{
	ino_t inode = e->fts_statp->st_ino;
	struct intake_file *f = i->files;

	if (!is_spool_name(e->fts_name) || strlen(path) >= INTAKE_PATH_SIZE)
		return 0;
	while (f != NULL &&
	    (f->inode != inode || f->on_disk != on_disk ||
		strcmp(f->path, path) != 0))
		f = f->next;
	if (f == NULL) {
		f = malloc(sizeof(*f));
		if (f == NULL)
			return -1;
		*f = (struct intake_file){
			.next = i->files, .on_disk = on_disk, .inode = inode
		};
		(void)strlcpy(f->path, path, sizeof(f->path));
		i->files = f;
	}
	f->seen = true;
	return 0;
}

/*
 * The files of one spool directory. In that of the run directory components
 * with a user of their own have folders of their own.
 */
static int
scan(struct intake *i, bool on_disk)
{
	char *root = on_disk ? i->disk_path : i->run_path;
	char *roots[] = { root, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	short deepest = on_disk ? 0 : 1;
	int result = 0;
	FTSENT *e;

	if (fts == NULL)
		return -1;
	while (result == 0 && (errno = 0, e = fts_read(fts)) != NULL) {
		if (e->fts_info == FTS_D && e->fts_level > deepest)
			(void)fts_set(fts, e, FTS_SKIP);
		else if (e->fts_info == FTS_F)
			result = note_file(
			    i, on_disk, e->fts_path + strlen(root) + 1, e);
	}
	if (errno != 0 && errno != ENOENT)
		result = -1;
	(void)fts_close(fts);
	return result;
}

int
intake_scan(struct intake *i)
{
	struct intake_file **link = &i->files, *f;

	for (f = i->files; f != NULL; f = f->next)
		f->seen = false;
	if (scan(i, false) < 0 || scan(i, true) < 0)
		return -1;
	while ((f = *link) != NULL) {
		if (f->seen) {
			link = &f->next;
			continue;
		}
		*link = f->next;
		free(f);
	}
	return 0;
}

/*
 * Whether nobody has the file open for writing: only then the kernel grants a
 * read lease. Where it doesn't give leases to us at all (a file of another
 * user), the writer's lock is the answer.
 */
static bool
is_closed(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		return true;
	}
	if (errno == EAGAIN)
		return false;
	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

static int
resolve(const struct intake *i, const struct intake_file *f,
    char ret[static PATH_SIZE])
{
	return path_format(
	    ret, "%s/%s", f->on_disk ? i->disk_path : i->run_path, f->path);
}

int
intake_look(const struct intake *i, const struct intake_file *f,
    struct intake_look *ret)
{
	char path[PATH_SIZE];
	struct stat st;
	int fd;

	if (resolve(i, f, path) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* In this order: what is closed doesn't grow any more. */
	ret->closed = is_closed(fd);
	if (fstat(fd, &st) < 0) {
		io_close(&fd);
		return -1;
	}
	ret->fd = fd;
	ret->size = st.st_size;
	return 0;
}

int
intake_unlink_finished(struct intake *i)
{
	char path[PATH_SIZE];
	int result = 0;

	for (struct intake_file *f = i->files; f != NULL; f = f->next)
		if (f->finished &&
		    (resolve(i, f, path) < 0 ||
			(unlink(path) < 0 && errno != ENOENT)))
			result = -1;
	return result;
}
