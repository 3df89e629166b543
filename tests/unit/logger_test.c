/*
 * The logger as a process of its own, below a keeper that is played here: a
 * directory run/c/NAME with a socket, and the two pipes behind it. Components
 * are forked and write as fast as they like.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

#include <cmocka.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/line.h"
#include "base/path.h"
#include "control/message.h"
#include "system/rundir.h"

#define LIMIT_MS 60000 /* for a machine that is busy; nobody waits for it */

struct keeper {
	char name[TEXT_NAME_MAX + 1];
	int dirfd;
	int listening;
	int connection; /* -1: none */
	int pipes[2][2];
	struct config_log log;
};

struct fleet {
	char directory[PATH_SIZE]; /* STATE */
	pid_t logger;		   /* 0: not running */
	struct keeper keepers[2];
	int nkeepers;
};

/* What the logs of one component say, rotated files first. */
struct text {
	char *bytes;
	size_t len;
};

static char program[PATH_SIZE];

/* ---- the keeper ---- */

static void
keeper_begin(struct fleet *f, struct keeper *k, const char *name)
{
	char path[PATH_SIZE];

	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	k->log = (struct config_log){ .size = 10 << 20, .keep = 5 };
	k->connection = -1;
	assert_int_equal(
	    path_format(path, "%s/run/c/%s", f->directory, name), 0);
	(void)mkdir(path, 0700);
	k->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(k->dirfd >= 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe2(k->pipes[i], O_CLOEXEC), 0);
	k->listening = rundir_listen(
	    k->dirfd, "keeper", SOCK_SEQPACKET | SOCK_NONBLOCK, 0600);
	assert_true(k->listening >= 0);
}

static void
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

static void
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

/* What the logger has to do without. */
enum lack { LACK_NOTHING, LACK_INOTIFY, LACK_SPACE };

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
	if (path_format(logs, "%s/logs", f->directory) < 0 ||
	    path_make(logs, 0700) < 0)
		return -1;
	return mount("tmpfs", logs, "tmpfs", 0, "size=4m,mode=0700");
}

static void
logger_start_with(struct fleet *f, enum lack lack)
{
	f->logger = fork();
	assert_true(f->logger >= 0);
	if (f->logger != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (confine(f, lack) < 0)
		_exit(126);
	(void)execl(program, program, f->directory, (char *)NULL);
	_exit(127);
}

/* Skips the test when confine() failed. */
static void
skip_unless_confined(struct fleet *f)
{
	int status;

	if (waitpid(f->logger, &status, WNOHANG) != f->logger)
		return;
	f->logger = 0;
	assert_int_equal(WEXITSTATUS(status), 126);
	skip();
}

static void
logger_start(struct fleet *f)
{
	logger_start_with(f, LACK_NOTHING);
}

static void
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

static void
copy_file(const char *from, const char *to)
{
	struct text t = { 0 };

	read_file(&t, from);
	assert_int_equal(io_replace_file(AT_FDCWD, to, t.bytes, t.len, 0), 0);
	free(t.bytes);
}

/* The caller frees .bytes. */
static struct text
read_logs(const struct fleet *f, const char *name)
{
	struct text t = { .bytes = malloc(1) };
	char path[PATH_SIZE];

	for (int n = 99; n >= 1; n--) {
		(void)path_format(
		    path, "%s/logs/%s.log.%d", f->directory, name, n);
		read_file(&t, path);
	}
	(void)path_format(path, "%s/logs/%s.log", f->directory, name);
	read_file(&t, path);
	t.bytes[t.len] = '\0';
	return t;
}

/* The next line of t, *at going on behind it. False at the end. */
static bool
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

static size_t
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

static void
wait_lines(struct fleet *f, const char *name, const char *text, size_t n)
{
	int64_t limit_ms = clock_ms() + LIMIT_MS;

	while (count_lines(f, name, text) != n) {
		serve(f);
		assert_true(clock_ms() < limit_ms);
		(void)usleep(2000);
	}
}

static void
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

/* Lines "N" of one stream, counted from 0 without a gap or a repeat. */
static size_t
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

static void
say(const struct keeper *k, enum line_stream stream, const char *text)
{
	assert_int_equal(
	    io_write_all(k->pipes[stream][1], text, strlen(text)), 0);
}

/* Writes n numbered lines on both streams, with pauses now and then. */
static pid_t
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

static bool
has_ended(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return false;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return true;
}

/* ---- before and after each test ---- */

static int
setup(void **state)
{
	struct fleet *f = calloc(1, sizeof(*f));
	char path[PATH_SIZE];

	assert_non_null(f);
	(void)snprintf(f->directory, sizeof(f->directory), "%s/lk.XXXXXX",
	    getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));
	assert_non_null(mkdtemp(f->directory));
	assert_int_equal(path_format(path, "%s/run/c", f->directory), 0);
	assert_int_equal(path_make(path, 0700), 0);
	keeper_begin(f, &f->keepers[0], "one");
	f->nkeepers = 1;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fleet *f = *state;
	char command[PATH_SIZE + 16];

	if (f->logger != 0) {
		(void)kill(f->logger, SIGKILL);
		(void)waitpid(f->logger, NULL, 0);
	}
	for (int i = 0; i < f->nkeepers; i++)
		keeper_end(&f->keepers[i]);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* ---- the tests ---- */

static void
test_stamps_and_marks(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];
	struct text t;
	struct line line;
	char now[CLOCK_ISO_SIZE];
	size_t at = 0;

	say(k, LINE_STDOUT, "said before\nany logger\n");
	logger_start(f);
	wait_lines(f, "one", "any logger", 1);
	say(k, LINE_STDERR, "\ta tab, and \xff\n");
	wait_lines(f, "one", "\ta tab, and \xff", 1);
	t = read_logs(f, "one");
	clock_format_iso(now, clock_wall_ms());
	for (int i = 0; i < 3; i++) {
		assert_true(next_line(&t, &at, &line));
		assert_int_equal(
		    line.stream, i < 2 ? LINE_STDOUT : LINE_STDERR);
		assert_false(line.partial);
		assert_true(memcmp(line.stamp, now, sizeof(line.stamp)) <= 0);
	}
	assert_false(next_line(&t, &at, &line));
	free(t.bytes);
	logger_end(f, SIGTERM);
}

static void
test_partial_lines(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];
	struct message ended = message_new(MESSAGE_ENDED);
	struct text t;
	struct line line;
	size_t at = 0;

	logger_start(f);
	say(k, LINE_STDOUT, "whole\nbegun");
	wait_lines(f, "one", "begun", 1); /* after its second */
	say(k, LINE_STDOUT, " and ended\n");
	wait_lines(f, "one", " and ended", 1);
	say(k, LINE_STDERR, "last words");
	assert_int_equal(message_send(k->connection, &ended, NULL, 0), 0);
	wait_lines(f, "one", "last words", 1);
	t = read_logs(f, "one");
	for (int i = 0; i < 4; i++) {
		assert_true(next_line(&t, &at, &line));
		assert_int_equal(line.partial, i % 2);
	}
	free(t.bytes);
}

/* A line longer than any pipe comes in pieces that are the line again. */
static void
test_endless_line(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];
	const size_t size = 300000;
	struct text t;
	struct line line;
	size_t at = 0, n = 0;
	pid_t pid;

	(void)fcntl(k->pipes[0][1], F_SETPIPE_SZ, 8192);
	logger_start(f);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < size; i += 3000) {
			char piece[3001];

			(void)memset(piece, 'x', sizeof(piece));
			(void)io_write_all(k->pipes[0][1], piece, 3000);
		}
		_exit(io_write_all(k->pipes[0][1], "\nend\n", 5) < 0);
	}
	wait_lines(f, "one", "end", 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	t = read_logs(f, "one");
	while (next_line(&t, &at, &line) && memcmp(line.text, "end", 3) != 0)
		n += line.len;
	assert_int_equal(n, size);
	free(t.bytes);
}

static void
test_rotation(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];
	char path[PATH_SIZE];
	struct stat st;
	pid_t pid;

	k->log = (struct config_log){ .size = 200000, .keep = 90 };
	logger_start(f);
	pid = start_counting(k, 50000, false);
	while (!has_ended(pid))
		serve(f);
	wait_drained(f, k);
	assert_int_equal(assert_counted(f, "one", LINE_STDOUT), 50000);
	assert_int_equal(assert_counted(f, "one", LINE_STDERR), 50000);
	(void)path_format(path, "%s/logs/one.log.2", f->directory);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 200000);
}

static void
test_keeps_so_many(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];
	char path[PATH_SIZE];
	pid_t pid;

	k->log = (struct config_log){ .size = 100000, .keep = 2 };
	logger_start(f);
	pid = start_counting(k, 20000, false);
	while (!has_ended(pid))
		serve(f);
	wait_drained(f, k);
	(void)path_format(path, "%s/logs/one.log.2", f->directory);
	assert_int_equal(access(path, F_OK), 0);
	(void)path_format(path, "%s/logs/one.log.3", f->directory);
	assert_int_equal(access(path, F_OK), -1);
}

/* SIGTERM takes what is in the pipes along, but not the begin of a line. */
static void
test_ends_after_draining(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];
	int left = 0;

	logger_start(f);
	say(k, LINE_STDOUT, "first\n");
	wait_lines(f, "one", "first", 1);
	assert_int_equal(kill(f->logger, SIGSTOP), 0);
	say(k, LINE_STDOUT, "second\n");
	say(k, LINE_STDERR, "third\nbeg");
	assert_int_equal(kill(f->logger, SIGTERM), 0);
	logger_end(f, SIGCONT);
	assert_int_equal(count_lines(f, "one", "second"), 1);
	assert_int_equal(count_lines(f, "one", "third"), 1);
	assert_int_equal(ioctl(k->pipes[1][0], FIONREAD, &left), 0);
	assert_int_equal(left, 3);
	say(k, LINE_STDERR, "un\n");
	logger_start(f);
	wait_lines(f, "one", "begun", 1);
}

static void
test_new_keeper_and_new_component(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];

	logger_start(f);
	say(k, LINE_STDOUT, "of the old one\n");
	wait_lines(f, "one", "of the old one", 1);
	say(k, LINE_STDOUT, "torn");
	keeper_end(k);
	keeper_begin(f, k, "one");
	keeper_begin(f, &f->keepers[1], "two");
	f->nkeepers = 2;
	say(k, LINE_STDOUT, "of the new one\n");
	say(&f->keepers[1], LINE_STDOUT, "hello\n");
	wait_lines(f, "one", "of the new one", 1);
	wait_lines(f, "two", "hello", 1);
	assert_int_equal(count_lines(f, "one", "of the old one"), 1);
	assert_int_equal(count_lines(f, "one", "torn"), 1);
}

/* It looks for new components now and then. */
static void
test_without_inotify(void **state)
{
	struct fleet *f = *state;

	logger_start_with(f, LACK_INOTIFY);
	say(&f->keepers[0], LINE_STDOUT, "hello\n");
	while (count_lines(f, "one", "hello") == 0) {
		serve(f);
		skip_unless_confined(f);
		(void)usleep(2000);
	}
	keeper_begin(f, &f->keepers[1], "two");
	f->nkeepers = 2;
	say(&f->keepers[1], LINE_STDOUT, "hello\n");
	wait_lines(f, "two", "hello", 1);
}

/* Its neighbour floods without end; a line comes through all the same. */
static void
test_flood_slows_nobody(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];
	pid_t pid;

	keeper_begin(f, &f->keepers[1], "two");
	f->nkeepers = 2;
	k->log = (struct config_log){ .size = 1 << 20, .keep = 1 };
	logger_start(f);
	pid = start_counting(k, SIZE_MAX, false);
	for (int i = 0; i < 20; i++) {
		char line[32];

		(void)snprintf(line, sizeof(line), "line %d\n", i);
		say(&f->keepers[1], LINE_STDOUT, line);
		line[strlen(line) - 1] = '\0';
		wait_lines(f, "two", line, 1);
	}
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Whether one of the pipes was full whenever it was looked at for a while. */
static bool
is_stuck(struct fleet *f, const struct keeper *k)
{
	for (int i = 0; i < 50; i++) {
		int left[2] = { 0, 0 };

		serve(f);
		for (int j = 0; j < 2; j++)
			assert_int_equal(
			    ioctl(k->pipes[j][0], FIONREAD, &left[j]), 0);
		if (left[0] < 60000 && left[1] < 60000)
			return false;
		(void)usleep(2000);
	}
	return true;
}

/* A full disk: nothing is written, then all of it, and whole lines only. */
static void
test_full_disk(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];
	char path[PATH_SIZE], link[PATH_SIZE];
	int fd;
	pid_t pid;

	logger_start_with(f, LACK_SPACE);
	say(k, LINE_STDERR, "hello\n");
	/* The disk is its own: seen through its root. */
	(void)path_format(
	    link, "/proc/%d/root%s/logs/one.log", (int)f->logger, f->directory);
	while (access(link, F_OK) < 0) {
		serve(f);
		skip_unless_confined(f);
		(void)usleep(2000);
	}
	(void)path_format(
	    path, "/proc/%d/root%s/logs/filler", (int)f->logger, f->directory);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fallocate(fd, 0, 0, 3900 * 1024), 0);
	io_close(&fd);
	pid = start_counting(k, 20000, false);
	while (!is_stuck(f, k))
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(unlink(path), 0);
	while (!has_ended(pid))
		serve(f);
	wait_drained(f, k);
	(void)path_format(path, "%s/logs/one.log", f->directory);
	copy_file(link, path);
	assert_int_equal(assert_counted(f, "one", LINE_STDOUT), 20000);
}

/* A log that can't be written stalls its own component only, and loses
 * nothing. */
static void
test_unwritable_log(void **state)
{
	struct fleet *f = *state;
	char path[PATH_SIZE];

	keeper_begin(f, &f->keepers[1], "two");
	f->nkeepers = 2;
	(void)path_format(path, "%s/logs/one.log", f->directory);
	assert_int_equal(path_make(path, 0700), 0);
	logger_start(f);
	say(&f->keepers[0], LINE_STDOUT, "patience\n");
	say(&f->keepers[1], LINE_STDOUT, "hello\n");
	wait_lines(f, "two", "hello", 1);
	assert_int_equal(rmdir(path), 0);
	wait_lines(f, "one", "patience", 1);
}

/* With when_full = drop the component goes on, and the log says what isn't in
 * it. */
static void
test_unwritable_log_may_drop(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];
	char path[PATH_SIZE];
	struct text t;
	struct line line;
	size_t at = 0, ngaps = 0, last = 0;
	pid_t pid;

	k->log.when_full = WHEN_FULL_DROP;
	(void)path_format(path, "%s/logs/one.log", f->directory);
	assert_int_equal(path_make(path, 0700), 0);
	logger_start(f);
	pid = start_counting(k, 30000, false); /* twice what the pipes hold */
	while (!has_ended(pid))
		serve(f);
	assert_int_equal(rmdir(path), 0);
	wait_drained(f, k);
	t = read_logs(f, "one");
	while (next_line(&t, &at, &line))
		if (memcmp(line.text, "[loopkeeper: ", 13) == 0)
			ngaps++;
		else if (line.stream == LINE_STDOUT)
			last = strtoul(line.text, NULL, 10);
	assert_int_equal(ngaps, 2);
	assert_int_equal(last, 29999);
	free(t.bytes);
}

/* After a power cut. */
static void
test_torn_log(void **state)
{
	struct fleet *f = *state;
	char path[PATH_SIZE];
	struct text t;

	(void)path_format(path, "%s/logs", f->directory);
	assert_int_equal(path_make(path, 0700), 0);
	(void)path_format(path, "%s/logs/one.log", f->directory);
	assert_int_equal(io_replace_file(AT_FDCWD, path, "2026-01", 7, 0), 0);
	logger_start(f);
	say(&f->keepers[0], LINE_STDOUT, "hello\n");
	wait_drained(f, &f->keepers[0]);
	t = read_logs(f, "one");
	assert_memory_equal(t.bytes, "2026-01\n", 8);
	assert_int_equal(t.len, 8 + LINE_PREFIX + 6);
	free(t.bytes);
}

static void
test_second_logger_is_refused(void **state)
{
	struct fleet *f = *state;
	int status;
	pid_t first;

	logger_start(f);
	say(&f->keepers[0], LINE_STDOUT, "hello\n");
	wait_lines(f, "one", "hello", 1);
	first = f->logger;
	logger_start(f);
	assert_int_equal(waitpid(f->logger, &status, 0), f->logger);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	f->logger = first;
}

/*
 * Killed 200 times at any moment, it neither loses nor repeats a line; also
 * not one of many that are all the same.
 */
static void
test_kill_campaign(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0], *same = &f->keepers[1];
	size_t nsame = 0;
	pid_t pid;

	srandom((unsigned)getpid());
	keeper_begin(f, same, "two");
	f->nkeepers = 2;
	k->log = (struct config_log){ .size = 1 << 20, .keep = 90 };
	pid = start_counting(k, SIZE_MAX, true);
	for (int i = 0; i < 200; i++) {
		int64_t until_ms = clock_ms() + 2 + random() % 12;

		logger_start(f);
		while (clock_ms() < until_ms) {
			serve(f);
			say(same, LINE_STDOUT, "tick\n");
			nsame++;
			(void)usleep((useconds_t)(random() % 1000));
		}
		logger_end(f, SIGKILL);
	}
	assert_int_equal(kill(pid, SIGSTOP), 0);
	logger_start(f);
	wait_lines(f, "two", "tick", nsame);
	wait_drained(f, k);
	logger_end(f, SIGTERM);
	assert_true(assert_counted(f, "one", LINE_STDOUT) > 1000);
	assert_true(assert_counted(f, "one", LINE_STDERR) > 1000);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_stamps_and_marks, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_partial_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_endless_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_keeps_so_many, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_ends_after_draining, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_new_keeper_and_new_component, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_without_inotify, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_flood_slows_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_unwritable_log, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_unwritable_log_may_drop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_log, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_second_logger_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_kill_campaign, setup, teardown),
	};
	char self[PATH_SIZE];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	/* build/tests/unit/logger_test and build/bin/loopkeeper-logger */
	if (n < 0)
		return 1;
	self[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(self, '/') = '\0';
	if (path_format(program, "%s/bin/loopkeeper-logger", self) < 0)
		return 1;
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
