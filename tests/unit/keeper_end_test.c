/* A keeper ends its component; or itself ends, or is left alone. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "keeper_fixture.h"
#include "system/rundir.h"

/* Waits until path exists, and reads a pid from it. */
static pid_t
wait_pid(const char *path)
{
	int64_t until_ms = clock_ms() + PATIENCE_MS;
	char text[16];

	while (io_read_file(AT_FDCWD, path, text, sizeof(text)) <= 0) {
		assert_true(clock_ms() < until_ms);
		(void)poll(NULL, 0, 1);
	}
	return (pid_t)strtol(text, NULL, 10);
}

static void
test_stop_ends_escaped_tree(void **state)
{
	struct fixture *f = *state;
	char path[PATH_SIZE];
	pid_t escaped;

	(void)snprintf(path, sizeof(path), "%s/escaped", f->at.path);
	make_client(f, "escape", path)->ready = READY_EXEC;
	start_ready(f);
	escaped = wait_pid(path);
	want(f, WANT_STOP);
	wait_state(f, COMPONENT_STOPPED);
	assert_int_equal(kill(escaped, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(f->record.pid, 0);
}

static void
test_deaf_one_is_killed(void **state)
{
	struct fixture *f = *state;

	(void)make_client(f, "deaf", NULL);
	start_ready(f);
	want(f, WANT_PAUSE);
	wait_state(f, COMPONENT_STOPPED);
	assert_int_equal(f->c.want, WANT_PAUSE);
	assert_int_equal(f->c.ndeaths, 0);
}

static void
test_term_ends_keeper_and_component(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	pid = start_sleeper(f);
	assert_int_equal(kill(f->keeper, SIGTERM), 0);
	assert_int_equal(end_status(f->keeper), 0);
	f->keeper = 0;
	assert_int_equal(kill(pid, 0), -1);
}

static void
test_second_keeper_gives_way(void **state)
{
	struct fixture *f = *state;
	struct fixture second = *f;

	(void)start_sleeper(f);
	give_birth(&second);
	assert_int_equal(WEXITSTATUS(end_status(second.keeper)), 2);
	(void)close(second.fd);
}

static void
test_lives_without_daemon(void **state)
{
	struct fixture *f = *state;
	int dir;

	(void)start_sleeper(f);
	(void)close(f->fd);
	assert_int_equal(kill(f->record.pid, SIGKILL), 0);
	dir = rundir_open_component(f->at.dir, "web");
	f->fd = rundir_connect(dir, "keeper", SOCK_SEQPACKET | SOCK_NONBLOCK);
	assert_true(f->fd >= 0);
	tell(f, MESSAGE_HELLO);
	wait_restarts(f, 1);
	tell(f, MESSAGE_PING);
	while (take(f) != MESSAGE_PONG)
		;
	(void)close(dir);
}

static void
test_death_of_keeper_counts(void **state)
{
	struct fixture *f = *state;
	pid_t first;

	first = start_sleeper(f);
	assert_int_equal(kill(f->keeper, SIGKILL), 0);
	(void)end_status(f->keeper);
	(void)close(f->fd);
	start(f);
	wait_restarts(f, 1);
	assert_int_equal(f->c.death.cause, CAUSE_KEEPER);
	assert_int_equal(f->c.ndeaths, 1);
	assert_int_not_equal(f->record.pid, first);
	wait_file(f, "death", "cause=keeper\n");
}

#define FREEZER "/sys/fs/cgroup/freezer/lk-test"

static bool
write_freezer(const char *name, const char *text)
{
	char path[128];
	int fd;
	bool done;

	(void)snprintf(path, sizeof(path), FREEZER "-%d/%s", getpid(), name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && io_write_all(fd, text, strlen(text)) == 0;
	if (fd >= 0)
		(void)close(fd);
	return done;
}

/* What the old freezer holds can't be killed, like one in state D. */
static void
test_unkillable_is_named(void **state)
{
	struct fixture *f = *state;
	char directory[64], text[16];
	int64_t until_ms = clock_ms() + PATIENCE_MS;
	pid_t pid;

	(void)snprintf(directory, sizeof(directory), FREEZER "-%d", getpid());
	if (mkdir(directory, 0755) < 0)
		skip();
	pid = start_sleeper(f);
	(void)snprintf(text, sizeof(text), "%d", pid);
	assert_true(write_freezer("cgroup.procs", text));
	assert_true(write_freezer("freezer.state", "FROZEN"));
	want(f, WANT_STOP);
	do
		(void)take(f);
	while (!f->c.unkillable);
	assert_int_equal(f->c.state, COMPONENT_STOPPING);
	assert_int_equal(f->record.unkillable_pid, pid);
	assert_string_not_equal(f->record.wait_channel, "");
	assert_true(write_freezer("freezer.state", "THAWED"));
	wait_state(f, COMPONENT_STOPPED);
	assert_int_equal(f->record.unkillable_pid, 0);
	while (rmdir(directory) < 0) {
		assert_true(clock_ms() < until_ms);
		(void)poll(NULL, 0, 1);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stop_ends_escaped_tree),
		TEST(test_deaf_one_is_killed),
		TEST(test_term_ends_keeper_and_component),
		TEST(test_second_keeper_gives_way),
		TEST(test_lives_without_daemon),
		TEST(test_death_of_keeper_counts),
		TEST(test_unkillable_is_named),
	};

	return keeper_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
