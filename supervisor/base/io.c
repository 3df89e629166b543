#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"

int
io_write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

int
io_read_all(int fd, void *bytes, size_t n)
{
	char *p = bytes;

	while (n > 0) {
		ssize_t got = read(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			if (got == 0)
				errno = ENODATA;
			return -1;
		}
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

ssize_t
io_read_file(int dirfd, const char *path, char *buf, size_t size)
{
	size_t len = 0;
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	for (;;) {
		ssize_t got = read(fd, buf + len, size - 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			io_close(&fd);
			return -1;
		}
		if (got == 0)
			break;
		len += (size_t)got;
	}
	buf[len] = '\0';
	if (len == size - 1 && read(fd, &(char){ 0 }, 1) > 0) {
		io_close(&fd);
		errno = EFBIG;
		return -1;
	}
	io_close(&fd);
	return (ssize_t)len;
}

/* Makes a rename in path's directory durable. */
static int
sync_parent(int dirfd, const char *path)
{
	char parent[PATH_SIZE];
	int fd, result;

	if (path_dirname(parent, path) < 0)
		return -1;
	fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = fsync(fd);
	io_close(&fd);
	return result;
}

int
io_replace_file(
    int dirfd, const char *path, const char *bytes, size_t n, int sync)
{
	char temporary[PATH_SIZE];
	int fd;

	if (path_format(temporary, "%s.new", path) < 0)
		return -1;
	fd = openat(
	    dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (io_write_all(fd, bytes, n) < 0 || (sync && fsync(fd) < 0) ||
	    renameat(dirfd, temporary, dirfd, path) < 0) {
		int saved = errno;

		io_close(&fd);
		(void)unlinkat(dirfd, temporary, 0);
		errno = saved;
		return -1;
	}
	io_close(&fd);
	return sync ? sync_parent(dirfd, path) : 0;
}

void
io_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}
