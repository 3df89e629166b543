#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "system/spool.h"

#define FILE_NAME_SIZE (sizeof(((struct spool *)0)->writer) + 32)

static void
file_name(const struct spool *s, uint64_t n, char buf[static FILE_NAME_SIZE])
{
	(void)snprintf(
	    buf, FILE_NAME_SIZE, "%s-%" PRIu64 ".jsonl", s->writer, n);
}

int
spool_init(struct spool *s, int dirfd, const char *writer)
{
	*s = (struct spool){ .dirfd = dirfd, .fd = -1 };
	if (strlen(writer) >= sizeof(s->writer)) {
		io_close(&s->dirfd);
		errno = ENAMETOOLONG;
		return -1;
	}
	(void)memcpy(s->writer, writer, strlen(writer) + 1);
	return 0;
}

int
spool_open(struct spool *s, const char *directory, const char *writer)
{
	int dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*s = (struct spool){ .dirfd = -1, .fd = -1 };
	return dirfd < 0 ? -1 : spool_init(s, dirfd, writer);
}

void
spool_close(struct spool *s)
{
	io_close(&s->fd); /* and with it goes its lock */
	io_close(&s->dirfd);
}

/*
 * Drops the oldest closed files beyond the limit. The recorder unlinks at the
 * same time: what is gone is fine.
 */
static void
make_room(struct spool *s)
{
	char name[FILE_NAME_SIZE];
	struct stat st;
	int64_t total = 0;

	for (uint64_t n = s->n; n > s->oldest; n--) {
		file_name(s, n - 1, name);
		if (fstatat(s->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		total += st.st_size;
		if (total + SPOOL_ROTATE_BYTES > SPOOL_LIMIT_BYTES &&
		    unlinkat(s->dirfd, name, 0) == 0)
			s->dropped += s->counts[(n - 1) % SPOOL_FILES_MAX];
	}
	while (s->oldest < s->n) {
		file_name(s, s->oldest, name);
		if (faccessat(s->dirfd, name, F_OK, 0) == 0)
			break;
		s->oldest++;
	}
}

/* Makes the file n, or the next number that is free, and locks it. */
static int
begin_file(struct spool *s, uint64_t n)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char name[FILE_NAME_SIZE];
	int fd;

	for (;; n++) {
		file_name(s, n, name);
		fd = openat(s->dirfd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
		if (fd >= 0)
			break;
		if (errno != EEXIST)
			return -1;
	}
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		io_close(&fd);
		return -1;
	}
	io_close(&s->fd);
	s->fd = fd;
	s->n = n;
	s->written = 0;
	s->torn = false;
	s->counts[n % SPOOL_FILES_MAX] = 0;
	return 0;
}

static int
ready_file(struct spool *s)
{
	if (s->fd < 0) {
		if (begin_file(s, (uint64_t)clock_boot_ms()) < 0)
			return -1;
		s->oldest = s->n;
		return 0;
	}
	if (s->written < SPOOL_ROTATE_BYTES)
		return 0;
	if (begin_file(s, s->n + 1) < 0)
		return -1;
	make_room(s);
	return 0;
}

/* One write; a newline goes first where the last line was torn. */
static int
append(struct spool *s, struct event *e)
{
	struct iovec parts[2] = {
		{ .iov_base = &(char){ '\n' }, .iov_len = s->torn ? 1 : 0 },
		{ .iov_base = e->data, .iov_len = e->line.len },
	};
	size_t size = parts[0].iov_len + parts[1].iov_len;
	ssize_t n;

	do
		n = writev(s->fd, parts, 2);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	s->written += n;
	s->torn = (size_t)n < size && n > 0;
	if ((size_t)n < size) {
		errno = ENOSPC;
		return -1;
	}
	return 0;
}

static int
add(struct spool *s, struct event *e)
{
	event_end(e);
	if (ready_file(s) < 0 || append(s, e) < 0)
		return -1;
	s->counts[s->n % SPOOL_FILES_MAX]++;
	return 0;
}

/* Says, when there is room again, that there wasn't. */
static int
tell_lost(struct spool *s)
{
	uint64_t lost = s->dropped;
	struct event e;

	event_begin(&e, s->writer, "resource_warning", NULL);
	event_text(&e, "message", "events were lost: its spool was full");
	event_int(&e, "lost", (int64_t)lost);
	if (add(s, &e) < 0)
		return -1;
	s->told = lost;
	return 0;
}

int
spool_add(struct spool *s, struct event *e)
{
	if ((s->dropped == s->told || tell_lost(s) == 0) && add(s, e) == 0)
		return 0;
	s->dropped++;
	return -1;
}
