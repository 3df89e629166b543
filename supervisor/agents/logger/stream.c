#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/logger/logfile.h"
#include "agents/logger/stream.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"

#define GAP_SIZE 128

/* What one turn sees of the pipe, and what it makes of it. */
struct look {
	size_t seen;  /* bytes in desk->in */
	bool all_in;  /* no more could be seen: the pipe may be full */
	size_t used;  /* of them: whole lines, or a partial one */
	size_t lines; /* bytes in desk->out */
};

int
stream_attach(struct stream *s, struct stream_desk *desk, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
		io_close(&fd);
		errno = EINVAL;
		return -1;
	}
	s->fd = fd;
	s->pipe = st.st_ino;
	s->partial_ms = 0;
	s->dropped = 0;
	s->flush = false;
	journal_pay(&desk->journal, fd, s->pipe);
	return 0;
}

/* Gives our pipe as many slots as theirs has: then ours is full after a tee
 * exactly when theirs is. Where the kernel refuses, ours looks full sooner,
 * which only cuts a very long line earlier. */
static void
match_size(struct stream_desk *desk, int fd)
{
	int size = fcntl(fd, F_GETPIPE_SZ);

	if (size <= 0 || size == desk->pipe_size)
		return;
	(void)fcntl(desk->pipe[1], F_SETPIPE_SZ, size);
	desk->pipe_size = size;
}

/* Copies what is in the pipe into desk->in and leaves it there. Returns 1, 0
 * at the end, or -1 with errno. */
static int
look(struct stream_desk *desk, int fd, struct look *ret)
{
	struct pollfd room = { .fd = desk->pipe[1], .events = POLLOUT };
	ssize_t n;

	match_size(desk, fd);
	n = tee(fd, desk->pipe[1], STREAM_CHUNK, SPLICE_F_NONBLOCK);
	if (n <= 0)
		return (int)n;
	ret->all_in = n == STREAM_CHUNK || poll(&room, 1, 0) == 0;
	ret->seen = (size_t)n;
	return io_read_all(desk->pipe[0], desk->in, ret->seen) < 0 ? -1 : 1;
}

static void
add_line(struct stream_desk *desk, struct look *l, enum line_stream mark,
    int64_t wall_ms, size_t n, bool partial)
{
	char *out = desk->out + l->lines;

	line_format(out, wall_ms, mark, partial);
	(void)memcpy(out + LINE_PREFIX, desk->in + l->used, n);
	out[LINE_PREFIX + n] = '\n';
	l->lines += LINE_PREFIX + n + 1;
	l->used += n;
}

/* Stamps as many whole lines as desk->out holds. */
static void
add_lines(struct stream_desk *desk, struct look *l, enum line_stream mark,
    int64_t wall_ms)
{
	while (l->used < l->seen) {
		const char *begin = desk->in + l->used;
		const char *end = memchr(begin, '\n', l->seen - l->used);
		size_t n;

		if (end == NULL)
			return;
		n = (size_t)(end - begin);
		if (l->lines + LINE_PREFIX + n + 1 > sizeof(desk->out))
			return;
		add_line(desk, l, mark, wall_ms, n, false);
		l->used++; /* the newline */
	}
}

/* Tells in the log itself what isn't in it. */
static void
add_gap(
    struct stream_desk *desk, struct look *l, uint64_t dropped, int64_t wall_ms)
{
	struct buf b;

	line_format(desk->out, wall_ms, LINE_STDERR, false);
	buf_init(&b, desk->out + LINE_PREFIX, GAP_SIZE);
	buf_addf(&b,
	    "[loopkeeper: %llu bytes were dropped here, the log could not be "
	    "written]\n",
	    (unsigned long long)dropped);
	l->lines = LINE_PREFIX + b.len;
}

/* The log can't be written: whether the component is rather kept going. */
static void
drop(struct stream *s, const struct config_log *log, const struct look *l,
    const struct stream_desk *desk)
{
	int saved = errno;

	if (log->when_full == WHEN_FULL_DROP && l->all_in) {
		journal_discard(&desk->journal, s->fd, l->seen);
		s->dropped += l->seen;
	}
	errno = saved;
}

/* Written first, taken out after. */
static int
commit(struct stream *s, struct stream_desk *desk, const char *name,
    const struct config_log *log, const struct look *l)
{
	struct journal_chunk chunk = {
		.pipe = s->pipe, .written = l->lines, .taken = l->used
	};
	struct logfile f;
	int result;

	if (logfile_open(&f, desk->logsdir, name, log, l->lines) < 0)
		return -1;
	chunk.log = f.inode;
	chunk.log_size = f.size;
	(void)memcpy(chunk.name, name, strnlen(name, TEXT_NAME_MAX));
	journal_begin(&desk->journal, &chunk);
	result = logfile_append(&f, desk->out, l->lines);
	logfile_close(&f);
	if (result == 0)
		journal_take(&desk->journal, s->fd, l->used);
	return result;
}

/* Whether a line without end is due to be written as it is. */
static bool
is_due(struct stream *s, const struct look *l, int64_t now_ms)
{
	if (s->partial_ms == 0)
		s->partial_ms = now_ms + STREAM_PARTIAL_MS;
	return s->flush || l->all_in || now_ms >= s->partial_ms;
}

enum stream_result
stream_turn(struct stream *s, struct stream_desk *desk, const char *name,
    const struct config_log *log, int64_t now_ms)
{
	struct look l = { 0 };
	int64_t wall_ms = clock_wall_ms();
	int seen = look(desk, s->fd, &l);

	if (seen <= 0) {
		s->partial_ms = 0;
		if (seen == 0)
			return STREAM_END;
		if (errno == EAGAIN)
			s->flush = false;
		return errno == EAGAIN ? STREAM_EMPTY : STREAM_STALLED;
	}
	if (s->dropped > 0)
		add_gap(desk, &l, s->dropped, wall_ms);
	add_lines(desk, &l, s->mark, wall_ms);
	if (l.used == 0) {
		if (!is_due(s, &l, now_ms))
			return STREAM_PARTIAL;
		add_line(desk, &l, s->mark, wall_ms, l.seen, true);
	}
	if (commit(s, desk, name, log, &l) < 0) {
		drop(s, log, &l, desk);
		return STREAM_STALLED;
	}
	s->partial_ms = 0;
	s->dropped = 0;
	return STREAM_MORE;
}
