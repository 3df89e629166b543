#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "daemon/helper.h"
#include "system/spawn.h"

#define FIRST_SIZE 16384

void
helper_init(struct helper *h)
{
	*h = (struct helper){ .out_fd = -1, .err_fd = -1, .start_fd = -1 };
}

static int
fail(struct helper *h, const char *what, const char *name, int error)
{
	h->failed = true;
	(void)snprintf(h->errors, sizeof(h->errors), "%s %s: %s", what, name,
	    strerror(error));
	h->errors_len = strlen(h->errors);
	errno = error;
	return -1;
}

/* A program of ours lies beside this one, or where `make install` put it. */
static int
find_program(char ret[static PATH_SIZE], const char *name)
{
	static const char *const places[] = { "", "../../bin/",
		"../libexec/loopkeeper/" };
	char self[PATH_SIZE], directory[PATH_SIZE];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return -1;
	self[n] = '\0';
	if (path_dirname(directory, self) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (path_format(ret, "%s/%s%s", directory, places[i], name) ==
			0 &&
		    access(ret, X_OK) == 0)
			return 0;
	errno = ENOENT;
	return -1;
}

/* A pipe whose reading end doesn't block. */
static int
open_pipe(int ret[static 2])
{
	if (pipe2(ret, O_CLOEXEC) < 0)
		return -1;
	if (fcntl(ret[0], F_SETFL, O_NONBLOCK) < 0) {
		io_close(&ret[0]);
		io_close(&ret[1]);
		return -1;
	}
	return 0;
}

static int
watch(struct helper *h, struct loop *loop, int kind, int fd, uint64_t *ret_key)
{
	*ret_key = fd < 0 ? 0 : loop_add(loop, fd, EPOLLIN, kind, h);
	return fd >= 0 && *ret_key == 0 ? -1 : 0;
}

int
helper_watch(struct helper *h, struct loop *loop, int kind)
{
	return watch(h, loop, kind, h->out_fd, &h->out_key) < 0 ||
		watch(h, loop, kind, h->err_fd, &h->err_key) < 0 ||
		watch(h, loop, kind, h->start_fd, &h->start_key) < 0
	    ? -1
	    : 0;
}

/* Forks with two pipes; the reading ends go into h. */
static int
fork_with_pipes(
    struct helper *h, struct spawn *s, struct spawn_failure *ret_failure)
{
	int out[2], err[2];

	*ret_failure = (struct spawn_failure){ .stage = SPAWN_PIPE };
	if (open_pipe(out) < 0) {
		ret_failure->error = errno;
		return -1;
	}
	if (open_pipe(err) < 0) {
		ret_failure->error = errno;
		io_close(&out[0]);
		io_close(&out[1]);
		return -1;
	}
	s->stdout_fd = out[1];
	s->stderr_fd = err[1];
	h->pid = spawn_start(s, &h->start_fd, ret_failure);
	io_close(&out[1]);
	io_close(&err[1]);
	h->out_fd = out[0];
	h->err_fd = err[0];
	if (h->pid > 0)
		return 0;
	h->pid = 0;
	return -1;
}

int
helper_start(struct helper *h, struct loop *loop, int kind, char *const *argv,
    char *const *environment)
{
	char path[PATH_SIZE];
	char *words[8] = { path };
	struct spawn_failure failure;
	struct spawn s;

	helper_init(h);
	if (find_program(path, argv[0]) < 0)
		return fail(h, "can't find", argv[0], errno);
	for (size_t i = 1; argv[i] != NULL && i < 7; i++)
		words[i] = argv[i];
	spawn_init(&s);
	s.argv = words;
	s.envp = environment;
	s.session = true;
	if (fork_with_pipes(h, &s, &failure) < 0 ||
	    helper_watch(h, loop, kind) < 0) {
		int error = h->pid > 0 ? errno : failure.error;

		helper_finish(h, loop);
		return fail(h, "can't start", path, error);
	}
	return 0;
}

static void
close_source(struct loop *loop, int *fd, uint64_t *key)
{
	loop_remove(loop, key);
	io_close(fd);
}

static bool
make_room(struct helper *h)
{
	size_t size = h->out_size == 0 ? FIRST_SIZE : h->out_size * 2;
	char *more;

	if (h->out_len < h->out_size)
		return true;
	more = realloc(h->out, size);
	if (more == NULL) {
		(void)fail(h, "no memory for what", "it wrote", errno);
		return false;
	}
	h->out = more;
	h->out_size = size;
	return true;
}

static void
read_out(struct helper *h, struct loop *loop)
{
	ssize_t n = 0;

	while (make_room(h)) {
		n = read(
		    h->out_fd, h->out + h->out_len, h->out_size - h->out_len);
		if (n <= 0)
			break;
		h->out_len += (size_t)n;
	}
	if (h->failed || n == 0 || (errno != EAGAIN && errno != EINTR))
		close_source(loop, &h->out_fd, &h->out_key);
}

static void
read_errors(struct helper *h, struct loop *loop)
{
	char rest[512];
	ssize_t n;

	do {
		size_t room = sizeof(h->errors) - 1 - h->errors_len;

		n = room > 0 ? read(h->err_fd, h->errors + h->errors_len, room)
			     : read(h->err_fd, rest, sizeof(rest));
		if (n > 0 && room > 0)
			h->errors_len += (size_t)n;
	} while (n > 0);
	h->errors[h->errors_len] = '\0';
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_source(loop, &h->err_fd, &h->err_key);
}

void
helper_read(struct helper *h, struct loop *loop, int fd)
{
	struct spawn_failure failure;
	int result;

	if (fd == h->out_fd) {
		read_out(h, loop);
	} else if (fd == h->err_fd) {
		read_errors(h, loop);
	} else {
		result = spawn_result(fd, &failure);
		if (result < 0)
			(void)fail(h,
			    "can't start it:", spawn_stage_name(failure.stage),
			    failure.error);
		if (result != 0)
			close_source(loop, &h->start_fd, &h->start_key);
	}
}

void
helper_reaped(struct helper *h, int status)
{
	h->status = status;
	h->reaped = true;
}

bool
helper_is_busy(const struct helper *h)
{
	return h->pid > 0;
}

bool
helper_is_done(const struct helper *h)
{
	return h->pid > 0 && h->reaped && h->out_fd < 0 && h->err_fd < 0 &&
	    h->start_fd < 0;
}

bool
helper_is_good(const struct helper *h)
{
	return !h->failed && WIFEXITED(h->status) &&
	    WEXITSTATUS(h->status) == 0;
}

char *
helper_text(struct helper *h)
{
	if (h->out_len == 0 || !make_room(h))
		return h->errors + h->errors_len; /* an empty one */
	h->out[h->out_len] = '\0';
	return h->out;
}

void
helper_finish(struct helper *h, struct loop *loop)
{
	/* Reaped with all other children: it is nobody's business then. */
	if (h->pid > 0 && !h->reaped)
		(void)kill(h->pid, SIGKILL);
	close_source(loop, &h->out_fd, &h->out_key);
	close_source(loop, &h->err_fd, &h->err_key);
	close_source(loop, &h->start_fd, &h->start_key);
	free(h->out);
	helper_init(h);
}
