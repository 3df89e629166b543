#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "system/output.h"

#define MARK_SIZE  256 /* bytes of each stream's beginning */
#define SPLICE_MAX (1 << 20)

static const char *const tails[OUTPUT_STREAMS] = {
	[OUTPUT_STDOUT] = "tail.stdout",
	[OUTPUT_STDERR] = "tail.stderr",
};

int
output_open(struct output *o, int size)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		o->read_fd[i] = o->write_fd[i] = o->kept_fd[i][0] =
		    o->kept_fd[i][1] = -1;
		o->empty[i] = false;
	}
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		int fds[2];

		if (pipe2(fds, O_CLOEXEC) < 0)
			goto fail;
		o->read_fd[i] = fds[0];
		o->write_fd[i] = fds[1];
		if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
			goto fail;
		/* A wish: a user's pipes have a limit, and any size works. */
		if (size > 0)
			(void)fcntl(fds[1], F_SETPIPE_SZ, size);
	}
	return 0;
fail:
	output_close(o);
	return -1;
}

void
output_close(struct output *o)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		io_close(&o->read_fd[i]);
		io_close(&o->write_fd[i]);
		io_close(&o->kept_fd[i][0]);
		io_close(&o->kept_fd[i][1]);
	}
}

/* The other end of a pipe. */
static int
open_write_end(int read_fd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", read_fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

int
output_take_over(struct output *o, const int read_fd[OUTPUT_STREAMS])
{
	int fds[OUTPUT_STREAMS][2];
	bool good = true;

	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		fds[i][0] = read_fd[i];
		fds[i][1] = open_write_end(read_fd[i]);
		good = good && fds[i][1] >= 0;
	}
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		io_close(good ? &o->read_fd[i] : &fds[i][0]);
		io_close(good ? &o->write_fd[i] : &fds[i][1]);
		if (!good)
			continue;
		o->read_fd[i] = fds[i][0];
		o->write_fd[i] = fds[i][1];
	}
	return good ? 0 : -1;
}

int
output_prepare(const struct output *o, bool has_user, uid_t uid, gid_t gid)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		if (fcntl(o->write_fd[i], F_SETFL, 0) < 0 ||
		    (has_user && fchown(o->write_fd[i], uid, gid) < 0))
			return -1;
	}
	return 0;
}

size_t
output_pending(const struct output *o, enum output_stream stream)
{
	int n = 0;

	return ioctl(o->read_fd[stream], FIONREAD, &n) < 0 ? 0 : (size_t)n;
}

bool
output_stream_is_full(const struct output *o, enum output_stream stream)
{
	struct pollfd p = { .fd = o->write_fd[stream], .events = POLLOUT };

	return poll(&p, 1, 0) == 0;
}

bool
output_is_full(const struct output *o)
{
	return output_stream_is_full(o, OUTPUT_STDOUT) ||
	    output_stream_is_full(o, OUTPUT_STDERR);
}

/* Copies the beginning of a stream to a pipe of its own, without taking it.
 * Returns whether there was any. */
static bool
copy(int read_fd, int kept[2], size_t max)
{
	if (pipe2(kept, O_CLOEXEC | O_NONBLOCK) < 0) {
		kept[0] = kept[1] = -1;
		return false;
	}
	/* As large as the other, or what doesn't fit is lost. */
	(void)fcntl(kept[1], F_SETPIPE_SZ, fcntl(read_fd, F_GETPIPE_SZ));
	if (tee(read_fd, kept[1], max, SPLICE_F_NONBLOCK) > 0)
		return true;
	io_close(&kept[0]);
	io_close(&kept[1]);
	return false;
}

uint64_t
output_mark(const struct output *o)
{
	uint64_t hash = HASH_INIT;

	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		char bytes[MARK_SIZE];
		size_t n = output_pending(o, (enum output_stream)i);
		int kept[2];
		ssize_t got;

		hash = hash_bytes(hash, &n, sizeof(n));
		if (n == 0 || !copy(o->read_fd[i], kept, sizeof(bytes)))
			continue;
		got = read(kept[0], bytes, sizeof(bytes));
		hash = hash_bytes(hash, bytes, got > 0 ? (size_t)got : 0);
		io_close(&kept[0]);
		io_close(&kept[1]);
	}
	return hash;
}

void
output_forget(struct output *o)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		io_close(&o->kept_fd[i][0]);
		io_close(&o->kept_fd[i][1]);
	}
}

void
output_keep(struct output *o)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		if (output_pending(o, (enum output_stream)i) == 0)
			continue;
		io_close(&o->kept_fd[i][0]);
		io_close(&o->kept_fd[i][1]);
		(void)copy(o->read_fd[i], o->kept_fd[i], SPLICE_MAX);
	}
}

/* Moves a pipe's content to the file's end. */
static int
pour(int pipe_fd, int file_fd)
{
	ssize_t n;

	do
		n = splice(pipe_fd, NULL, file_fd, NULL, SPLICE_MAX,
		    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 && errno != EAGAIN ? -1 : 0;
}

int
output_save(struct output *o, int dirfd)
{
	int result = 0;

	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		int fd;

		if (o->kept_fd[i][0] < 0) {
			if (!o->empty[i])
				(void)unlinkat(dirfd, tails[i], 0);
			o->empty[i] = true;
			continue;
		}
		io_close(&o->kept_fd[i][1]); /* now the pipe has an end */
		fd = openat(dirfd, tails[i],
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0 || pour(o->kept_fd[i][0], fd) < 0)
			result = -1;
		o->empty[i] = false;
		io_close(&fd);
		io_close(&o->kept_fd[i][0]);
	}
	return result;
}

uint64_t
output_drop(const struct output *o, enum output_stream stream)
{
	char bytes[4096];
	uint64_t total = 0;
	ssize_t n;

	while ((n = read(o->read_fd[stream], bytes, sizeof(bytes))) > 0) {
		total += (uint64_t)n;
		if (total >= SPLICE_MAX)
			break; /* others want their turn too */
	}
	return total;
}
