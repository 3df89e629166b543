#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "control/control.h"
#include "system/rundir.h"

/* Waits until fd can do what events says. Returns 0, or -1 with ETIMEDOUT. */
static int
await(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = deadline_ms - clock_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 ? 0 : -1;
}

/* Writes words as one line into line. Returns its length or 0 with EINVAL. */
static size_t
compose(char *line, size_t size, const char *const *words, size_t nwords)
{
	struct buf b;

	buf_init(&b, line, size);
	for (size_t i = 0; i < nwords; i++) {
		if (strpbrk(words[i], "\t\n") != NULL || words[i][0] == '\0')
			b.cut = true;
		buf_add(&b, i > 0 ? "\t" : "");
		buf_add(&b, words[i]);
	}
	buf_add(&b, "\n");
	if (b.cut) {
		errno = EINVAL;
		return 0;
	}
	return b.len;
}

static int
send_line(int fd, const char *line, size_t len)
{
	int64_t deadline_ms = clock_ms() + CONTROL_TIMEOUT_MS;

	while (len > 0) {
		ssize_t n = send(fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			if (await(fd, POLLOUT, deadline_ms) < 0)
				return -1;
			continue;
		}
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			line += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Reads to the end; what doesn't fit is thrown away. */
static ssize_t
read_reply(int fd, char *reply, size_t size, int timeout_ms)
{
	int64_t deadline_ms = clock_ms() + timeout_ms;
	char rest[512];
	size_t len = 0;
	ssize_t n;

	for (;;) {
		size_t room = size - 1 - len;

		if (await(fd, POLLIN, deadline_ms) < 0)
			return -1;
		n = room > 0 ? recv(fd, reply + len, room, 0)
			     : recv(fd, rest, sizeof(rest), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (room > 0)
			len += (size_t)n;
	}
	reply[len] = '\0';
	return n < 0 && len == 0 ? -1 : (ssize_t)len;
}

/* Splits "ok\n..." and "error TEXT\n" off. Leaves what the caller gets. */
static int
judge(char *reply, size_t len)
{
	static const char ok[] = "ok\n", error[] = "error ";

	if (strncmp(reply, ok, sizeof(ok) - 1) == 0) {
		(void)memmove(
		    reply, reply + sizeof(ok) - 1, len + 1 - (sizeof(ok) - 1));
		return 0;
	}
	if (strncmp(reply, error, sizeof(error) - 1) == 0) {
		(void)memmove(reply, reply + sizeof(error) - 1,
		    len + 1 - (sizeof(error) - 1));
		len = strlen(reply);
		if (len > 0 && reply[len - 1] == '\n')
			reply[len - 1] = '\0';
	} else {
		/* It died, or refused us, before it had answered. */
		errno = ECONNRESET;
		return -1;
	}
	errno = EPROTO;
	return -1;
}

int
control_request_slow(const char *state_directory, const char *const *words,
    size_t nwords, char *reply, size_t size, int timeout_ms)
{
	char line[CONTROL_LINE_MAX];
	size_t len = compose(line, sizeof(line), words, nwords);
	int rundir, fd, result = -1;
	ssize_t n;

	reply[0] = '\0';
	if (len == 0 || (rundir = rundir_open(state_directory)) < 0)
		return -1;
	fd = rundir_connect(rundir, "control", SOCK_STREAM);
	io_close(&rundir);
	if (fd < 0)
		return -1;
	/* Who turns us away may have said why before we had spoken. */
	if ((send_line(fd, line, len) == 0 || errno == EPIPE) &&
	    (n = read_reply(fd, reply, size, timeout_ms)) >= 0)
		result = judge(reply, (size_t)n);
	io_close(&fd);
	return result;
}

int
control_request(const char *state_directory, const char *const *words,
    size_t nwords, char *reply, size_t size)
{
	return control_request_slow(
	    state_directory, words, nwords, reply, size, CONTROL_TIMEOUT_MS);
}
