/* The logger where something is amiss: floods, full disks, files that can't be
 * written. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "logger_fixture.h"

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
	char path[PATH_SIZE], link[PATH_SIZE], copy[2 * PATH_SIZE];
	int fd;
	pid_t pid;

	logger_start_with(f, LACK_SPACE);
	say(k, LINE_STDERR, "hello\n");
	/* The disk is its own: seen through its root. */
	(void)path_format(
	    link, "/proc/%d/root%s/logs/one.log", (int)f->logger, f->at.path);
	while (access(link, F_OK) < 0) {
		serve(f);
		skip_unless_confined(f);
		(void)usleep(2000);
	}
	(void)path_format(
	    path, "/proc/%d/root%s/logs/filler", (int)f->logger, f->at.path);
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
	(void)snprintf(
	    copy, sizeof(copy), "cp %s %s/logs/one.log", link, f->at.path);
	assert_int_equal(system(copy), 0);
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
	(void)path_format(path, "%s/logs/one.log", f->at.path);
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

	k->log.when_full = WHEN_FULL_DROP;
	(void)path_format(path, "%s/logs/one.log", f->at.path);
	assert_int_equal(path_make(path, 0700), 0);
	logger_start(f);
	count_to(f, k, 30000); /* twice what the pipes hold */
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_inotify),
		TEST(test_flood_slows_nobody),
		TEST(test_full_disk),
		TEST(test_unwritable_log),
		TEST(test_unwritable_log_may_drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
