#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static struct intake_file *
find(struct intake *i, bool on_disk, const char *path, ino_t inode)
{
	for (size_t n = 0; n < i->nfiles; n++) {
		struct intake_file *f = i->files[n];

		if (f->inode == inode && f->on_disk == on_disk &&
		    strcmp(f->path, path) == 0)
			return f;
	}
	return NULL;
}

static struct intake_file *
add(struct intake *i, bool on_disk, const char *path, ino_t inode)
{
	size_t len = strlen(path) + 1;
	struct intake_file *f = calloc(1, sizeof(*f) + len);
	struct intake_file **files;

	if (f == NULL)
		return NULL;
	files =
	    reallocarray(i->files, i->nfiles + 1, sizeof(struct intake_file *));
	if (files == NULL) {
		free(f);
		return NULL;
	}
	f->on_disk = on_disk;
	f->inode = inode;
	(void)memcpy(f->path, path, len);
	i->files = files;
	i->files[i->nfiles++] = f;
	return f;
}

static int scan_directory(struct intake *i, bool on_disk, const char *folder);

/* One entry of a directory; folder is "" or the one it is in. */
static int
scan_entry(struct intake *i, bool on_disk, DIR *dir, const char *folder,
    const char *name)
{
	char path[PATH_SIZE];
	struct intake_file *f;
	struct stat st;

	if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (path_format(
		path, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name) < 0)
		return -1;
	/* Components with a user of their own have folders of their own. */
	if (S_ISDIR(st.st_mode) && folder[0] == '\0' && !on_disk)
		return scan_directory(i, on_disk, path);
	if (!S_ISREG(st.st_mode) || !is_spool_name(name))
		return 0;
	f = find(i, on_disk, path, st.st_ino);
	if (f == NULL)
		f = add(i, on_disk, path, st.st_ino);
	if (f == NULL)
		return -1;
	f->seen = true;
	return 0;
}

static int
scan_directory(struct intake *i, bool on_disk, const char *folder)
{
	char path[PATH_SIZE];
	struct dirent *entry;
	int result = 0;
	DIR *dir;

	if (path_format(path, "%s/%s", on_disk ? i->disk_path : i->run_path,
		folder) < 0)
		return -1;
	dir = opendir(path);
	if (dir == NULL)
		return errno == ENOENT && !on_disk ? 0 : -1;
	while (result == 0 && (errno = 0, entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			result =
			    scan_entry(i, on_disk, dir, folder, entry->d_name);
	if (result == 0 && errno != 0)
		result = -1;
	(void)closedir(dir);
	return result;
}

int
intake_scan(struct intake *i)
{
	size_t left = 0;

	for (size_t n = 0; n < i->nfiles; n++)
		i->files[n]->seen = false;
	if (scan_directory(i, false, "") < 0 || scan_directory(i, true, "") < 0)
		return -1;
	for (size_t n = 0; n < i->nfiles; n++) {
		if (i->files[n]->seen)
			i->files[left++] = i->files[n];
		else
			free(i->files[n]);
	}
	i->nfiles = left;
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
intake_unlink(const struct intake *i, const struct intake_file *f)
{
	char path[PATH_SIZE];

	if (resolve(i, f, path) < 0)
		return -1;
	return unlink(path) < 0 && errno != ENOENT ? -1 : 0;
}
