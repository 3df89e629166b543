#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "base/io.h"
#include "control/message.h"
#include "logger_fixture.h"
#include "system/rundir.h"

#define LIMIT_MS 60000 /* for a machine that is busy; nobody waits for it */

static char program[PATH_SIZE];

/* ---- the keeper ---- */

void
keeper_begin(struct fleet *f, struct keeper *k, const char *name)
{
	char path[PATH_SIZE];

	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	k->log = (struct config_log){ .size = 10 << 20, .keep = 5 };
	k->connection = -1;
	assert_int_equal(path_format(path, "%s/run/c/%s", f->at.path, name), 0);
	(void)mkdir(path, 0700);
	k->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(k->dirfd >= 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe2(k->pipes[i], O_CLOEXEC), 0);
	k->listening = rundir_listen(
	    k->dirfd, "keeper", SOCK_SEQPACKET | SOCK_NONBLOCK, 0600);
	assert_true(k->listening >= 0);
}

void
keeper_end(struct keeper *k)
{
	io_close(&k->dirfd);
	io_close(&k->listening);
	io_close(&k->connection);
	for (int i = 0; i < 2; i++) {
		io_close(&k->pipes[i][0]);
		io_close(&k->pipes[i][1]);
	}
}

/* Serves a logger that connects. */
static void
keeper_serve(struct keeper *k)
{
	struct message m, answer = message_new(MESSAGE_PIPES);
	int fds[2] = { k->pipes[0][0], k->pipes[1][0] };
	int none[MESSAGE_DESCRIPTORS];
	size_t nnone;
	int fd =
	    accept4(k->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		io_close(&k->connection);
		k->connection = fd;
	}
	if (k->connection < 0 ||
	    message_receive_descriptors(k->connection, &m, none, &nnone) < 0)
		return;
	assert_int_equal(m.type, MESSAGE_OUTPUT);
	answer.log = k->log;
	(void)message_send_descriptors(k->connection, &answer, fds, 2);
}

void
serve(struct fleet *f)
{
	for (int i = 0; i < f->nkeepers; i++)
		keeper_serve(&f->keepers[i]);
}

/* ---- the logger ---- */

static int
put(const char *path, const char *text)
{
	int result, fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	result = io_write_all(fd, text, strlen(text));
	io_close(&fd);
	return result;
}

/* Becomes root of a user namespace of its own: -1 where that isn't allowed. */
static int
leave_namespace(void)
{
	char users[64], groups[64];

	(void)snprintf(users, sizeof(users), "0 %u 1", (unsigned)geteuid());
	(void)snprintf(groups, sizeof(groups), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	    put("/proc/self/setgroups", "deny") < 0 ||
	    put("/proc/self/uid_map", users) < 0)
		return -1;
	return put("/proc/self/gid_map", groups);
}

static int
confine(const struct fleet *f, enum lack lack)
{
	char logs[PATH_SIZE];

	if (lack == LACK_NOTHING)
		return 0;
	if (leave_namespace() < 0)
		return -1;
	if (lack == LACK_INOTIFY)
		return put("/proc/sys/user/max_inotify_instances", "0");
	if (path_format(logs, "%s/logs", f->at.path) < 0 ||
	    path_make(logs, 0700) < 0)
		return -1;
	return mount("tmpfs", logs, "tmpfs", 0, "size=4m,mode=0700");
}

void
logger_start_with(struct fleet *f, enum lack lack)
{
	f->logger = fork();
	assert_true(f->logger >= 0);
	if (f->logger != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (confine(f, lack) < 0)
		_exit(126);
	(void)execl(program, program, f->at.path, (char *)NULL);
	_exit(127);
}

void
skip_unless_confined(struct fleet *f)
{
	int status;

	if (waitpid(f->logger, &status, WNOHANG) != f->logger)
		return;
	f->logger = 0;
	assert_int_equal(WEXITSTATUS(status), 126);
	skip();
}

void
logger_start(struct fleet *f)
{
	logger_start_with(f, LACK_NOTHING);
}

void
logger_end(struct fleet *f, int signal)
{
	int status = 0;

	if (f->logger == 0)
		return;
	assert_int_equal(kill(f->logger, signal), 0);
	while (waitpid(f->logger, &status, WNOHANG) == 0)
		serve(f);
	f->logger = 0;
	if (signal == SIGTERM)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- what it wrote ---- */

static void
read_file(struct text *t, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	t->bytes = realloc(t->bytes, t->len + (size_t)st.st_size + 1);
	assert_non_null(t->bytes);
	assert_int_equal(
	    io_read_all(fd, t->bytes + t->len, (size_t)st.st_size), 0);
	t->len += (size_t)st.st_size;
	io_close(&fd);
}

struct text
read_logs(const struct fleet *f, const char *name)
{
	struct text t = { .bytes = malloc(1) };
	char path[PATH_SIZE];

	for (int n = 99; n >= 1; n--) {
		(void)path_format(
		    path, "%s/logs/%s.log.%d", f->at.path, name, n);
		read_file(&t, path);
	}
	(void)path_format(path, "%s/logs/%s.log", f->at.path, name);
	read_file(&t, path);
	t.bytes[t.len] = '\0';
	return t;
}

bool
next_line(const struct text *t, size_t *at, struct line *ret)
{
	const char *begin = t->bytes + *at;
	const char *end = memchr(begin, '\n', t->len - *at);

	if (end == NULL) {
		assert_int_equal(*at, t->len); /* no torn line */
		return false;
	}
	assert_true(line_parse(begin, (size_t)(end - begin), ret));
	*at += (size_t)(end - begin) + 1;
	return true;
}

size_t
count_lines(const struct fleet *f, const char *name, const char *text)
{
	struct text t = read_logs(f, name);
	struct line line;
	size_t at = 0, n = 0;

	/* It may be in the middle of writing one. */
	while (t.len > 0 && t.bytes[t.len - 1] != '\n')
		t.len--;
	while (next_line(&t, &at, &line))
		if (line.len == strlen(text) &&
		    memcmp(line.text, text, line.len) == 0)
			n++;
	free(t.bytes);
	return n;
}

void
wait_lines(struct fleet *f, const char *name, const char *text, size_t n)
{
	int64_t limit_ms = clock_ms() + LIMIT_MS;

	while (count_lines(f, name, text) != n) {
		serve(f);
		assert_true(clock_ms() < limit_ms);
		(void)usleep(2000);
	}
}

void
wait_drained(struct fleet *f, const struct keeper *k)
{
	int64_t limit_ms = clock_ms() + LIMIT_MS;
	int left[2] = { 1, 1 };

	while (left[0] + left[1] > 0) {
		serve(f);
		for (int i = 0; i < 2; i++)
			assert_int_equal(
			    ioctl(k->pipes[i][0], FIONREAD, &left[i]), 0);
		assert_true(clock_ms() < limit_ms);
		(void)usleep(2000);
	}
}

size_t
assert_counted(const struct fleet *f, const char *name, enum line_stream stream)
{
	struct text t = read_logs(f, name);
	struct line line;
	size_t at = 0, n = 0;

	while (next_line(&t, &at, &line)) {
		if (line.stream != stream)
			continue;
		assert_false(line.partial);
		assert_int_equal(strtoul(line.text, NULL, 10), n);
		n++;
	}
	free(t.bytes);
	return n;
}

/* ---- components ---- */

void
say(const struct keeper *k, enum line_stream stream, const char *text)
{
	assert_int_equal(
	    io_write_all(k->pipes[stream][1], text, strlen(text)), 0);
}

pid_t
start_counting(const struct keeper *k, size_t n, bool paused)
{
	char line[64];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < n; i++) {
		int len = snprintf(line, sizeof(line), "%zu of stdout\n", i);

		if (io_write_all(k->pipes[0][1], line, (size_t)len) < 0)
			_exit(1);
		len = snprintf(line, sizeof(line), "%zu of stderr\n", i);
		if (io_write_all(k->pipes[1][1], line, (size_t)len) < 0)
			_exit(1);
		if (paused && i % 64 == 0)
			(void)usleep(500);
	}
	_exit(0);
}

bool
has_ended(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return false;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return true;
}

void
count_to(struct fleet *f, const struct keeper *k, size_t n)
{
	pid_t pid = start_counting(k, n, false);

	while (!has_ended(pid))
		serve(f);
}

/* ---- before and after each test ---- */

int
logger_set_up(void **state)
{
	struct fleet *f = calloc(1, sizeof(*f));
	char path[PATH_SIZE];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	/* build/tests/unit/NAME and build/bin/loopkeeper-logger */
	assert_true(n > 0);
	program[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(program, '/') = '\0';
	assert_true(strlcat(program, "/bin/loopkeeper-logger",
			sizeof(program)) < sizeof(program));
	(void)signal(SIGPIPE, SIG_IGN);
	assert_non_null(f);
	scratch_make(&f->at, getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_int_equal(path_format(path, "%s/run/c", f->at.path), 0);
	assert_int_equal(path_make(path, 0700), 0);
	keeper_begin(f, &f->keepers[0], "one");
	f->nkeepers = 1;
	*state = f;
	return 0;
}

int
logger_tear_down(void **state)
{
	struct fleet *f = *state;

	if (f->logger != 0) {
		(void)kill(f->logger, SIGKILL);
		(void)waitpid(f->logger, NULL, 0);
	}
	for (int i = 0; i < f->nkeepers; i++)
		keeper_end(&f->keepers[i]);
	scratch_remove(&f->at);
	free(f);
	return 0;
}
