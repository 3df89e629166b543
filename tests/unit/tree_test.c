/* Trees of processes: found, ended to the last one, with and without cgroup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "system/cgroup.h"
#include "system/pidfd.h"
#include "system/process.h"
#include "system/spawn.h"
#include "system/tree.h"

#define PATIENCE_MS 20000

/* A line of depth processes, each in a session of its own, which hold the
 * pipe open until they end. Returns when all of them live. */
static pid_t
grow(int depth, int pipe_fds[2])
{
	pid_t first;
	char c;

	assert_int_equal(pipe(pipe_fds), 0);
	first = fork();
	if (first == 0) {
		while (--depth > 0 && fork() == 0)
			(void)setsid();
		if (io_write_all(pipe_fds[1], "x", 1) < 0)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(pipe_fds[1]);
	for (int i = 0; i < depth; i++)
		assert_int_equal(read(pipe_fds[0], &c, 1), 1);
	return first;
}

/* Reaps what there is. Returns whether nobody is left. */
static bool
is_empty(void)
{
	struct tree_exit e;

	while (tree_reap(&e) == 0)
		if (e.pid == 0)
			return false;
	assert_int_equal(errno, ECHILD);
	return true;
}

static void
end_all(void)
{
	int64_t until_ms = clock_ms() + PATIENCE_MS;
	struct tree_report report;

	while (!is_empty()) {
		assert_int_equal(tree_kill(NULL, NULL, &report), 0);
		assert_int_equal(report.refused, 0);
		assert_true(clock_ms() < until_ms);
		(void)poll(NULL, 0, 1);
	}
}

static void
count(void *context, pid_t pid)
{
	(void)pid;
	++*(int *)context;
}

static void
test_whole_tree_is_ended(void **state)
{
	int pipe_fds[2], n = 0;
	char c;

	(void)state;
	(void)grow(6, pipe_fds);
	assert_int_equal(tree_walk(getpid(), count, &n), 6);
	assert_int_equal(n, 6);
	end_all();
	assert_int_equal(read(pipe_fds[0], &c, 1), 0);
	(void)close(pipe_fds[0]);
}

static bool
is_spared(void *context, pid_t pid)
{
	return pid == *(pid_t *)context;
}

static void
test_spared_ones_live(void **state)
{
	struct tree_report report;
	int spared_fds[2], other_fds[2];
	pid_t spared;
	char c;

	(void)state;
	spared = grow(2, spared_fds);
	(void)grow(3, other_fds);
	assert_int_equal(tree_kill(is_spared, &spared, &report), 0);
	assert_int_equal(report.found, 3);
	assert_int_equal(read(other_fds[0], &c, 1), 0);
	assert_int_equal(kill(spared, 0), 0);
	end_all();
	(void)close(spared_fds[0]);
	(void)close(other_fds[0]);
}

static void
test_process_facts(void **state)
{
	struct process self, child;
	pid_t pids[8];
	int fds[2];
	pid_t pid;

	(void)state;
	pid = grow(1, fds);
	assert_int_equal(process_read(getpid(), &self), 0);
	assert_int_equal(process_read(pid, &child), 0);
	assert_int_equal(child.ppid, getpid());
	assert_true(child.start >= self.start);
	assert_int_equal(child.threads, 1);
	assert_string_equal(child.comm, self.comm);
	assert_true(process_is(pid, child.start));
	assert_false(process_is(pid, child.start + 1));
	assert_true(process_descends(pid, getpid()));
	assert_false(process_descends(getpid(), pid));
	assert_int_equal(process_children(getpid(), pids, 8), 1);
	assert_int_equal(pids[0], pid);
	end_all();
	assert_int_equal(process_read(pid, &child), -1);
	assert_int_equal(errno, ESRCH);
	(void)close(fds[0]);
}

static void
test_pidfd_holds_its_process(void **state)
{
	struct process p;
	int fds[2], pidfd;
	pid_t pid;

	(void)state;
	pid = grow(1, fds);
	assert_int_equal(process_read(pid, &p), 0);
	assert_int_equal(pidfd_get_checked(pid, p.start + 1), -1);
	assert_int_equal(errno, ESRCH);
	pidfd = pidfd_get_checked(pid, p.start);
	assert_true(pidfd >= 0);
	assert_false(pidfd_is_over(pidfd));
	assert_int_equal(pidfd_signal(pidfd, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(pidfd_is_over(pidfd));
	assert_int_equal(pidfd_signal(pidfd, SIGKILL), -1);
	assert_int_equal(errno, ESRCH);
	(void)close(pidfd);
	(void)close(fds[0]);
}

static pid_t
start_in(const struct cgroup *g)
{
	static char path[] = "/bin/sleep", time[] = "1000";
	char *argv[] = { path, time, NULL }, *envp[] = { NULL };
	struct spawn_failure failure;
	struct spawn s;
	pid_t pid;
	int fd;

	spawn_init(&s);
	s.argv = argv;
	s.envp = envp;
	s.cgroup_fd = g->fd;
	pid = spawn_start(&s, &fd, &failure);
	assert_true(pid > 0);
	(void)close(fd);
	return pid;
}

static void
test_cgroup_is_ended_and_used_again(void **state)
{
	struct cgroup g;
	char fleet[32];
	int status;
	pid_t pid;

	(void)state;
	(void)snprintf(fleet, sizeof(fleet), "test-%d", getpid());
	if (cgroup_open(&g, fleet, "web") < 0)
		skip(); /* none here, or not ours to write */
	for (int i = 0; i < 3; i++) {
		assert_true(cgroup_is_empty(&g));
		pid = start_in(&g);
		assert_false(cgroup_is_empty(&g));
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
		assert_int_equal(cgroup_kill(&g), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WTERMSIG(status), SIGKILL);
		assert_int_equal(cgroup_renew(&g), 1);
		assert_int_equal(cgroup_renew(&g), 0);
	}
	cgroup_close(&g);
}

static void
test_removed_cgroup_is_noticed(void **state)
{
	static char path[] = "/bin/true";
	char *argv[] = { path, NULL }, *envp[] = { NULL };
	struct spawn_failure failure;
	struct cgroup g;
	char fleet[32];
	struct spawn s;
	pid_t pid;
	int fd;

	(void)state;
	(void)snprintf(fleet, sizeof(fleet), "test-%d", getpid());
	if (cgroup_open(&g, fleet, "web") < 0)
		skip(); /* none here, or not ours to write */
	cgroup_sweep(g.own_fd, fleet);
	spawn_init(&s);
	s.argv = argv;
	s.envp = envp;
	s.cgroup_fd = g.fd;
	assert_int_equal(spawn_start(&s, &fd, &failure), -1);
	assert_int_equal(failure.stage, SPAWN_FORK);
	assert_true(failure.error == ENODEV || failure.error == ENOENT);
	cgroup_close(&g);
	assert_int_equal(cgroup_open(&g, fleet, "web"), 0);
	pid = start_in(&g);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	cgroup_close(&g);
}

static int
become_subreaper(void **state)
{
	(void)state;
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_tree_is_ended),
		cmocka_unit_test(test_spared_ones_live),
		cmocka_unit_test(test_process_facts),
		cmocka_unit_test(test_pidfd_holds_its_process),
		cmocka_unit_test(test_cgroup_is_ended_and_used_again),
		cmocka_unit_test(test_removed_cgroup_is_noticed),
	};

	return cmocka_run_group_tests(tests, become_subreaper, NULL);
}
