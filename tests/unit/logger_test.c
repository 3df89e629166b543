/* The logger: what it makes of lines, files and newcomers. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "control/message.h"
#include "logger_fixture.h"

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

	k->log = (struct config_log){ .size = 200000, .keep = 90 };
	logger_start(f);
	count_to(f, k, 50000);
	wait_drained(f, k);
	assert_int_equal(assert_counted(f, "one", LINE_STDOUT), 50000);
	assert_int_equal(assert_counted(f, "one", LINE_STDERR), 50000);
	(void)path_format(path, "%s/logs/one.log.2", f->at.path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 200000);
}

static void
test_keeps_so_many(void **state)
{
	struct fleet *f = *state;
	struct keeper *k = &f->keepers[0];
	char path[PATH_SIZE];

	k->log = (struct config_log){ .size = 100000, .keep = 2 };
	logger_start(f);
	count_to(f, k, 20000);
	wait_drained(f, k);
	(void)path_format(path, "%s/logs/one.log.2", f->at.path);
	assert_int_equal(access(path, F_OK), 0);
	(void)path_format(path, "%s/logs/one.log.3", f->at.path);
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

/* After a power cut. */
static void
test_torn_log(void **state)
{
	struct fleet *f = *state;
	char path[PATH_SIZE];
	struct text t;

	(void)path_format(path, "%s/logs", f->at.path);
	assert_int_equal(path_make(path, 0700), 0);
	(void)path_format(path, "%s/logs/one.log", f->at.path);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stamps_and_marks),
		TEST(test_partial_lines),
		TEST(test_endless_line),
		TEST(test_rotation),
		TEST(test_keeps_so_many),
		TEST(test_ends_after_draining),
		TEST(test_new_keeper_and_new_component),
		TEST(test_torn_log),
		TEST(test_second_logger_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
