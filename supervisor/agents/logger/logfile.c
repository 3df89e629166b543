#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/logger/logfile.h"
#include "base/io.h"

#define FILE_SIZE (TEXT_NAME_MAX + 32) /* of a file's name */

/* The name of the n-th rotated file; of the log itself for 0. */
static void
file_name(char ret[static FILE_SIZE], const char *name, int n)
{
	if (n == 0)
		(void)snprintf(ret, FILE_SIZE, "%s.log", name);
	else
		(void)snprintf(ret, FILE_SIZE, "%s.log.%d", name, n);
}

/* Removes the files numbered first and up, until one isn't there. */
static void
remove_from(int logsdir, const char *name, int first)
{
	char path[FILE_SIZE];

	do
		file_name(path, name, first++);
	while (unlinkat(logsdir, path, 0) == 0);
}

int
logfile_rotate(int logsdir, const char *name, int keep)
{
	char from[FILE_SIZE], to[FILE_SIZE];

	if (keep <= 0) {
		remove_from(logsdir, name, 0);
		return 0;
	}
	remove_from(logsdir, name, keep);
	for (int n = keep - 1; n >= 0; n--) {
		file_name(from, name, n);
		file_name(to, name, n + 1);
		if (renameat(logsdir, from, logsdir, to) < 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}

/* A power cut may leave a line without its end: nothing is to be glued to
 * it. */
static int
end_torn_line(struct logfile *f)
{
	char last;

	if (f->size == 0 || pread(f->fd, &last, 1, f->size - 1) != 1 ||
	    last == '\n')
		return 0;
	if (io_write_all(f->fd, "\n", 1) < 0)
		return -1;
	f->size++;
	return 0;
}

static int
open_once(struct logfile *f, int logsdir, const char *name)
{
	char path[FILE_SIZE];
	struct stat st;

	file_name(path, name, 0);
	f->fd = openat(logsdir, path,
	    O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0)
		return -1;
	if (fstat(f->fd, &st) == 0) {
		f->inode = st.st_ino;
		f->size = st.st_size;
		if (end_torn_line(f) == 0)
			return 0;
	}
	io_close(&f->fd);
	return -1;
}

int
logfile_open(struct logfile *f, int logsdir, const char *name,
    const struct config_log *log, size_t n)
{
	*f = (struct logfile){ .fd = -1 };
	if (open_once(f, logsdir, name) < 0)
		return -1;
	if (f->size == 0 || f->size + (int64_t)n <= log->size)
		return 0;
	io_close(&f->fd);
	if (logfile_rotate(logsdir, name, log->keep) < 0)
		return -1;
	return open_once(f, logsdir, name);
}

int
logfile_append(const struct logfile *f, const char *bytes, size_t n)
{
	if (io_write_all(f->fd, bytes, n) < 0) {
		int saved = errno;

		errno = ftruncate(f->fd, f->size) < 0 ? EIO : saved;
		return -1;
	}
	return 0;
}

void
logfile_close(struct logfile *f)
{
	io_close(&f->fd);
}
