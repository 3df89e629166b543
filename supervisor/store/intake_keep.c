/* The spool while there is no database: what must not be lost goes to disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "store/intake.h"
#include "store/intake_scan.h"

/* "kept-INODE-daemon-1.jsonl": one for each file, however often it is added
 * to. */
static int
kept_path(const struct intake *i, const struct intake_file *f,
    char ret[static PATH_SIZE])
{
	char *slash;
	size_t start = strlen(i->disk_path) + 1;

	if (path_format(ret, "%s/kept-%ju-%s", i->disk_path,
		(uintmax_t)f->inode, f->path) < 0)
		return -1;
	while ((slash = strchr(ret + start, '/')) != NULL)
		*slash = '_';
	return 0;
}

/* Opens the copy to add to it, on a line of its own whatever a predecessor
 * that was killed has left. */
static int
open_kept(const struct intake *i, const struct intake_file *f)
{
	char path[PATH_SIZE], last;
	off_t size;
	int fd;

	if (kept_path(i, f, path) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	size = lseek(fd, 0, SEEK_END);
	if (size < 0 ||
	    (size > 0 &&
		(pread(fd, &last, 1, size - 1) != 1 ||
		    (last != '\n' && io_write_all(fd, "\n", 1) < 0))))
		io_close(&fd);
	return fd;
}

static size_t
whole_lines(const char *block, size_t n)
{
	const char *end = memrchr(block, '\n', n);

	return end != NULL ? (size_t)(end - block) + 1 : 0;
}

/* Copies from *done on: whole lines, or all there is when it is closed. */
static int
copy(struct intake *i, const struct intake_look *look, int to, int64_t *done)
{
	while (*done < look->size) {
		ssize_t n = pread(look->fd, i->block, INTAKE_BLOCK, *done);
		bool final = look->closed && *done + n >= look->size;
		size_t whole;

		if (n < 0)
			return -1;
		whole = final ? (size_t)n : whole_lines(i->block, (size_t)n);
		if (whole == 0 && n < INTAKE_BLOCK)
			break;
		if (whole == 0) /* no event: one line is never so long */
			whole = (size_t)n;
		if (io_write_all(to, i->block, whole) < 0)
			return -1;
		*done += (int64_t)whole;
	}
	return 0;
}

static int
sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -1 : fsync(fd);

	io_close(&fd);
	return result;
}

/* 1 there is a new copy of something, 0 there is not, -1. */
static int
keep_file(
    struct intake *i, struct intake_file *f, const struct intake_look *look)
{
	int64_t from =
	    f->known && f->committed > f->kept ? f->committed : f->kept;
	int64_t done = from;
	int fd, result = 0;

	if (from < look->size) {
		fd = open_kept(i, f);
		result = fd < 0 ? -1 : copy(i, look, fd, &done);
		if (result == 0 && done > from)
			result = fdatasync(fd) < 0 ? -1 : 1;
		io_close(&fd);
	}
	if (result >= 0) {
		f->kept = done;
		f->finished = look->closed && done >= look->size;
	}
	return result;
}

int
intake_keep(struct intake *i)
{
	struct intake_look look;
	bool copied = false;
	int result, error = 0;

	if (intake_scan(i) < 0)
		return -1;
	for (struct intake_file *f = i->files; f != NULL; f = f->next) {
		f->finished = false;
		if (f->on_disk)
			continue;
		if (intake_look(i, f, &look) < 0) {
			error = errno != ENOENT ? errno : error;
			continue;
		}
		result = keep_file(i, f, &look);
		copied |= result > 0;
		error = result < 0 ? errno : error;
		io_close(&look.fd);
	}
	if ((copied && sync_directory(i->disk_path) < 0) ||
	    intake_unlink_finished(i) < 0)
		return -1;
	errno = error;
	return error != 0 ? -1 : 0;
}
