/* Starting a process: what the child gets, and how a failure is told. */
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/spawn.h"

struct fixture {
	struct spawn spawn;
	char *argv[4];
	char *envp[2];
	char script[512];
	int out[2];
};

static int
set_up(void **state)
{
	static char shell[] = "/bin/sh", option[] = "-c";
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	spawn_init(&f->spawn);
	f->argv[0] = shell;
	f->argv[1] = option;
	f->argv[2] = f->script;
	f->spawn.argv = f->argv;
	f->spawn.envp = f->envp;
	assert_int_equal(pipe2(f->out, O_CLOEXEC), 0);
	f->spawn.stdout_fd = f->out[1];
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	(void)close(f->out[0]);
	if (f->out[1] >= 0)
		(void)close(f->out[1]);
	free(f);
	return 0;
}

/* Waits for the result of a start. */
static int
result_of(int fd, struct spawn_failure *failure)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int result;

	assert_int_equal(poll(&p, 1, 20000), 1);
	result = spawn_result(fd, failure);
	(void)close(fd);
	return result;
}

static pid_t
start(struct fixture *f, int wanted, struct spawn_failure *failure)
{
	pid_t pid;
	int fd;

	pid = spawn_start(&f->spawn, &fd, failure);
	assert_true(pid > 0);
	assert_int_equal(result_of(fd, failure), wanted);
	return pid;
}

/* Runs the script and compares what it says. */
static void
check_says(struct fixture *f, const char *script, const char *wanted)
{
	struct spawn_failure failure;
	char text[512];
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	(void)snprintf(f->script, sizeof(f->script), "%s", script);
	pid = start(f, 1, &failure);
	(void)close(f->out[1]);
	f->out[1] = -1;
	while ((n = read(f->out[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	assert_string_equal(text, wanted);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
check_fails(struct fixture *f, enum spawn_stage stage, int error)
{
	struct spawn_failure failure;
	pid_t pid = start(f, -1, &failure);
	int status;

	assert_int_equal(failure.stage, stage);
	assert_int_equal(failure.error, error);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
test_exec_that_fails(void **state)
{
	static char path[] = "/nonexistent";
	struct fixture *f = *state;

	f->argv[0] = path;
	check_fails(f, SPAWN_EXEC, ENOENT);
	assert_string_equal(spawn_stage_name(SPAWN_EXEC), "exec");
}

static void
test_directory_that_is_none(void **state)
{
	struct fixture *f = *state;

	f->spawn.directory = "/nonexistent";
	check_fails(f, SPAWN_CHDIR, ENOENT);
	assert_string_equal(spawn_stage_name(SPAWN_CHDIR), "chdir");
}

static void
test_user_without_privilege(void **state)
{
	struct fixture *f = *state;

	if (geteuid() == 0)
		skip();
	f->spawn.has_user = true;
	f->spawn.uid = geteuid() + 1;
	f->spawn.gid = getegid();
	check_fails(f, SPAWN_USER, EPERM);
}

static void
test_another_user(void **state)
{
	static const gid_t groups[] = { 4242 };
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	f->spawn.has_user = true;
	f->spawn.uid = 65534;
	f->spawn.gid = 65534;
	f->spawn.groups = groups;
	f->spawn.ngroups = 1;
	check_says(f, "id -u; id -G", "65534\n65534 4242\n");
}

static void
test_directory_environment_and_umask(void **state)
{
	static char variable[] = "GREETING=hello";
	struct fixture *f = *state;

	f->envp[0] = variable;
	f->spawn.directory = "/usr";
	f->spawn.has_umask = true;
	f->spawn.umask = 027;
	check_says(f, "pwd; echo $GREETING; umask; env | grep -c GREETING",
	    "/usr\nhello\n0027\n1\n");
}

static void
test_signals_are_as_at_birth(void **state)
{
	struct fixture *f = *state;
	struct sigaction old;
	sigset_t all, before;

	(void)sigfillset(&all);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, &before), 0);
	assert_int_equal(sigaction(SIGPIPE, NULL, &old), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	/* 32 and 33 are libc's own: whoever was started by posix_spawn(3),
	 * make does so, inherits them ignored and can't change it. */
	check_says(f,
	    "grep -E 'Sig(Blk|Ign)' /proc/self/status |"
	    " sed s/0000000180000000/0000000000000000/",
	    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	(void)sigaction(SIGPIPE, &old, NULL);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static void
test_session_and_limits(void **state)
{
	struct fixture *f = *state;

	f->spawn.session = true;
	f->spawn.no_new_privs = true;
	f->spawn.has_oom = true;
	f->spawn.oom_score_adj = 900;
	f->spawn.nlimits = 2;
	f->spawn.limits[0] = (struct spawn_limit){
		.resource = RLIMIT_NOFILE, .soft = 64, .hard = SPAWN_KEEP_HARD
	};
	f->spawn.limits[1] = (struct spawn_limit){
		.resource = RLIMIT_CORE, .soft = 0, .hard = 0
	};
	check_says(f,
	    "ulimit -n; ulimit -c; cat /proc/self/oom_score_adj;"
	    "grep NoNewPrivs /proc/self/status;"
	    "set -- $(cat /proc/$$/stat); [ $6 = $$ ] && echo leader",
	    "64\n0\n900\nNoNewPrivs:\t1\nleader\n");
}

static void
test_pid_is_written_by_the_child(void **state)
{
	static char variable[] = "WATCHDOG_PID=0000000000";
	struct fixture *f = *state;

	f->envp[0] = variable;
	f->spawn.pid_text = variable + strlen("WATCHDOG_PID=");
	check_says(f, "[ $WATCHDOG_PID = $$ ] && echo same", "same\n");
}

static void
test_dies_with_its_parent(void **state)
{
	struct fixture *f = *state;
	char c;
	pid_t parent;

	(void)snprintf(f->script, sizeof(f->script), "echo x; exec sleep 1000");
	parent = fork();
	if (parent == 0) {
		struct spawn_failure failure;
		int fd;

		f->spawn.death_signal = SIGKILL;
		if (spawn_start(&f->spawn, &fd, &failure) < 0)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(f->out[1]);
	f->out[1] = -1;
	assert_int_equal(read(f->out[0], &c, 1), 1);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	/* The pipe ends when the last of them has gone. */
	while (read(f->out[0], &c, 1) > 0)
		continue;
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_exec_that_fails),
		TEST(test_directory_that_is_none),
		TEST(test_user_without_privilege),
		TEST(test_another_user),
		TEST(test_directory_environment_and_umask),
		TEST(test_signals_are_as_at_birth),
		TEST(test_session_and_limits),
		TEST(test_pid_is_written_by_the_child),
		TEST(test_dies_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
