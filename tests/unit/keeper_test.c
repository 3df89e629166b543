/*
 * A keeper with a real component: the test is its daemon. This program is the
 * component too, when it is started with a word of what to do.
 */
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
#include "base/path.h"
#include "control/message.h"
#include "keeper/keeper.h"
#include "scratch.h"
#include "system/notify_send.h"
#include "system/process.h"
#include "system/rundir.h"
#include "system/spawn.h"
#include "system/status.h"

#define PATIENCE_MS 20000

struct fixture {
	struct scratch at;    /* with the run directory, on tmpfs */
	char self[PATH_SIZE]; /* this program */
	struct keeper_birth birth;
	int dir; /* run/c/NAME; -1 until a keeper made it */
	int fd;	 /* to the keeper */
	pid_t keeper;
	struct status_record record; /* what it said last */
	struct component c;
	struct component_config *config; /* of CONFIG_SIZE_MAX bytes */
};

/* ---- the component ---- */

static void
say(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", getpid());
	(void)io_write_all(fd, text, strlen(text));
	(void)close(fd);
}

/* Leaves a grandchild in a session of its own, without an environment. */
static void
escape(const char *path)
{
	if (fork() == 0) {
		(void)setsid();
		if (fork() == 0) {
			(void)clearenv();
			(void)signal(SIGTERM, SIG_IGN);
			say(path);
			for (;;)
				(void)pause();
		}
		_exit(0);
	}
	(void)wait(NULL);
}

static int
be_component(int argc, char **argv)
{
	const char *what = argv[1];

	if (strcmp(what, "escape") == 0)
		escape(argv[2]);
	if (strcmp(what, "beat") == 0) {
		(void)notify_send("READY=1\nSTATUS=beating");
		for (int i = 0; i < (int)strtol(argv[2], NULL, 10); i++)
			while (notify_send("WATCHDOG=1") != 1)
				(void)poll(NULL, 0, 1);
		(void)notify_send("STATUS=beaten");
	}
	if (strcmp(what, "trigger") == 0) {
		(void)notify_send("READY=1");
		(void)notify_send("ERRNO=5\nWATCHDOG=trigger");
	}
	if (strcmp(what, "daemon") == 0 && fork() != 0) {
		(void)pause();
		return 0;
	}
	if (strcmp(what, "daemon") == 0) {
		char text[64];

		(void)snprintf(
		    text, sizeof(text), "READY=1\nMAINPID=%d", getpid());
		(void)notify_send(text);
	}
	if (strcmp(what, "words") == 0) {
		(void)dprintf(1, "a last word\n");
		(void)dprintf(2, "and a curse");
		return 7;
	}
	if (strcmp(what, "flood") == 0) {
		(void)notify_send("READY=1");
		while (dprintf(1, "%0999d\n", 0) > 0)
			continue;
	}
	if (strcmp(what, "deaf") == 0)
		(void)signal(SIGTERM, SIG_IGN);
	if (strcmp(what, "ready") == 0 || strcmp(what, "deaf") == 0)
		(void)notify_send("READY=1");
	(void)argc;
	for (;;)
		(void)pause();
}

/* ---- the daemon ---- */

static struct config_list
add_list(struct component_config *c, const char *const *words)
{
	struct config_list list = { .offset = c->text_size };

	for (; *words != NULL; words++, list.count++) {
		size_t n = strlen(*words) + 1;

		(void)memcpy(c->text + c->text_size, *words, n);
		c->text_size += (uint32_t)n;
	}
	return list;
}

static struct component_config *
make_config(struct fixture *f, const char *const *command)
{
	struct component_config *c = f->config;

	(void)memset(c, 0, sizeof(*c));
	c->version = CONFIG_VERSION;
	(void)memcpy(c->name, "web", 4);
	c->enabled = true;
	c->start_timeout_ms = PATIENCE_MS;
	c->heartbeat_timeout_ms = 120000;
	c->heartbeat_late_ms = 60000;
	c->restart = (struct config_restart_policy){ .policy = RESTART_ALWAYS,
		.max_restarts = 5,
		.delay_ms = 10,
		.delay_max_ms = 20,
		.window_ms = 600000,
		.stable_after_ms = 60000,
		.retry_every_ms = 300000 };
	c->stop_signal = SIGTERM;
	c->watchdog_signal = SIGABRT;
	c->stop_timeout_ms = 300;
	c->umask = -1;
	c->oom_score_adj = 100;
	c->schedule_daily_min = -1;
	c->limits = (struct config_limits){
		.nofile = -1, .nproc = -1, .core = 0, .memory = -1, .pids = -1
	};
	c->text[0] = '\0';
	c->text_size = 1;
	c->command = add_list(c, command);
	return c;
}

static struct component_config *
make_client(struct fixture *f, const char *what, const char *argument)
{
	const char *command[] = { f->self, what, argument, NULL };
	struct component_config *c = make_config(f, command);

	c->ready = READY_NOTIFY;
	c->heartbeat = HEARTBEAT_NOTIFY;
	return c;
}

static void
seal(struct component_config *c)
{
	c->size = (uint32_t)sizeof(*c) + c->text_size;
	config_seal(c);
}

static void
tell(struct fixture *f, enum message_type type)
{
	struct message m = message_new(type);

	m.want = WANT_RUN;
	assert_int_equal(message_send(f->fd, &m, NULL, 0), 0);
}

static void
want(struct fixture *f, enum component_want w)
{
	struct message m = message_new(MESSAGE_WANT);

	m.want = w;
	assert_int_equal(message_send(f->fd, &m, NULL, 0), 0);
}

static void
configure(struct fixture *f)
{
	struct message m = message_new(MESSAGE_CONFIG);

	seal(f->config);
	assert_int_equal(
	    message_send(f->fd, &m, f->config, f->config->size), 0);
}

/* Takes one message; fails the test when none comes. */
static enum message_type
take(struct fixture *f)
{
	struct pollfd p = { .fd = f->fd, .events = POLLIN };
	struct status_record r;
	int fds[MESSAGE_DESCRIPTORS];
	struct message m;
	size_t nfds;
	ssize_t n;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	n = message_receive(f->fd, &m, &r, sizeof(r), fds, &nfds);
	assert_true(n >= 0);
	assert_int_equal(nfds, 0);
	if (m.type == MESSAGE_STATUS) {
		assert_int_equal(n, sizeof(r));
		f->record = r;
		if (r.blob_size == sizeof(f->c))
			(void)memcpy(&f->c, r.blob, sizeof(f->c));
	}
	return m.type;
}

static void
wait_state(struct fixture *f, enum component_state state)
{
	do
		(void)take(f);
	while (f->c.state != state || f->record.blob_size == 0);
}

static void
wait_restarts(struct fixture *f, uint64_t restarts)
{
	do
		(void)take(f);
	while (f->c.restarts < restarts || f->c.state != COMPONENT_RUNNING);
}

static void
give_birth(struct fixture *f)
{
	int pair[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, pair),
	    0);
	f->fd = pair[0];
	f->birth.daemon_fd = pair[1];
	f->keeper = fork();
	if (f->keeper == 0)
		keeper_run(&f->birth);
	(void)close(pair[1]);
}

static void
start(struct fixture *f)
{
	give_birth(f);
	configure(f);
	want(f, WANT_RUN);
	tell(f, MESSAGE_GO);
}

static void
start_ready(struct fixture *f)
{
	start(f);
	wait_state(f, COMPONENT_RUNNING);
}

/* A component that does nothing. Returns its pid. */
static pid_t
start_sleeper(struct fixture *f)
{
	const char *command[] = { "/bin/sleep", "1000", NULL };

	(void)make_config(f, command);
	start_ready(f);
	return f->record.pid;
}

static int
end_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[PATH_SIZE];
	ssize_t n;

	assert_non_null(f);
	f->config = calloc(1, CONFIG_SIZE_MAX);
	assert_non_null(f->config);
	scratch_make(&f->at, "/dev/shm");
	n = readlink("/proc/self/exe", f->self, sizeof(f->self) - 1);
	assert_true(n > 0);
	(void)memcpy(f->birth.name, "web", 4);
	(void)snprintf(f->birth.run_directory, PATH_SIZE, "%s", f->at.path);
	(void)snprintf(f->birth.state_directory, PATH_SIZE, "%s", f->at.path);
	(void)snprintf(f->birth.config_path, PATH_SIZE, "%s/conf", f->at.path);
	(void)snprintf(path, sizeof(path), "%s/c", f->at.path);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/spool", f->at.path);
	assert_int_equal(mkdir(path, 0700), 0);
	f->fd = -1;
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->keeper > 0 && kill(f->keeper, SIGTERM) == 0)
		(void)waitpid(f->keeper, NULL, 0);
	(void)close(f->fd);
	scratch_remove(&f->at);
	free(f->config);
	free(f);
	return 0;
}

/* The text of a file in run/c/web. */
static const char *
read_text(struct fixture *f, const char *name)
{
	static char text[8192];
	char path[64];

	(void)snprintf(path, sizeof(path), "c/web/%s", name);
	assert_true(io_read_file(f->at.dir, path, text, sizeof(text)) >= 0);
	return text;
}

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
wait_file(struct fixture *f, const char *name, const char *words)
{
	int64_t until_ms = clock_ms() + PATIENCE_MS;
	char path[64], text[8192] = "";

	(void)snprintf(path, sizeof(path), "c/web/%s", name);
	while (io_read_file(f->at.dir, path, text, sizeof(text)) < 0 ||
	    strstr(text, words) == NULL) {
		if (clock_ms() > until_ms)
			fail_msg("%s: no \"%s\" in: %s", name, words, text);
		(void)poll(NULL, 0, 1);
	}
}

/* ---- the tests ---- */

static void
test_restarts_at_once(void **state)
{
	struct fixture *f = *state;
	pid_t first;

	first = start_sleeper(f);
	assert_true(process_is(first, f->record.pid_start));
	assert_int_equal(kill(first, SIGKILL), 0);
	wait_restarts(f, 1);
	assert_int_not_equal(f->record.pid, first);
	assert_int_equal(f->c.death.cause, CAUSE_SIGNAL);
	assert_int_equal(f->c.death.code, SIGKILL);
	assert_int_equal(f->c.level, 1);
	wait_file(f, "death", "decision=restarted at once (level 0)\n");
	assert_non_null(strstr(read_text(f, "death"), "cause=signal\n"));
}

static void
test_ready_by_notification(void **state)
{
	struct fixture *f = *state;

	(void)make_client(f, "ready", NULL);
	start(f);
	wait_state(f, COMPONENT_STARTING);
	wait_state(f, COMPONENT_RUNNING);
}

static void
test_heartbeats_are_counted(void **state)
{
	struct fixture *f = *state;
	int64_t until_ms = clock_ms() + PATIENCE_MS;
	struct component c = { .beats = 0 };
	int dir;

	(void)make_client(f, "beat", "2000");
	start_ready(f);
	dir = rundir_open_component(f->at.dir, "web");
	do {
		assert_true(clock_ms() < until_ms);
		assert_int_equal(status_read(dir, &f->record), 0);
		(void)poll(NULL, 0, 1);
	} while (strcmp(f->record.status_text, "beaten") != 0);
	(void)memcpy(&c, f->record.blob, sizeof(c));
	assert_int_equal(c.beats, 2000);
	(void)close(dir);
}

static void
check_start_failure(struct fixture *f, int stage, int error)
{
	start(f);
	wait_state(f, COMPONENT_FAILED);
	assert_int_equal(f->c.death.cause, CAUSE_START_FAILED);
	assert_int_equal(f->c.death.stage, stage);
	assert_int_equal(f->c.death.error, error);
	wait_file(f, "death", "circuit open");
}

static void
test_exec_failure_is_told_as_such(void **state)
{
	struct fixture *f = *state;
	const char *command[] = { "/nonexistent/program", NULL };

	make_config(f, command)->restart.max_restarts = 1;
	check_start_failure(f, SPAWN_EXEC, ENOENT);
	assert_non_null(
	    strstr(read_text(f, "death"), "text=cannot start: exec: No such"));
}

static void
test_chdir_failure_is_told_as_such(void **state)
{
	struct fixture *f = *state;
	const char *command[] = { "/bin/sleep", "1000", NULL };
	const char *directory[] = { "/etc/passwd", NULL };
	struct component_config *c = make_config(f, command);

	c->working_directory = add_list(c, directory).offset;
	c->restart.max_restarts = 1;
	check_start_failure(f, SPAWN_CHDIR, ENOTDIR);
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

static void
test_last_words_are_kept(void **state)
{
	struct fixture *f = *state;

	make_client(f, "words", NULL)->restart.policy = RESTART_NEVER;
	start(f);
	wait_state(f, COMPONENT_STOPPED);
	wait_file(f, "death", "decision=not restarted: restart.policy\n");
	assert_non_null(strstr(read_text(f, "death"), "text=exit 7\n"));
	assert_string_equal(read_text(f, "tail.stdout"), "a last word\n");
	assert_string_equal(read_text(f, "tail.stderr"), "and a curse");
}

static void
test_watchdog_trigger_leaves_evidence(void **state)
{
	struct fixture *f = *state;

	make_client(f, "trigger", NULL)->restart.max_restarts = 1;
	start(f);
	wait_state(f, COMPONENT_FAILED);
	assert_int_equal(f->c.death.cause, CAUSE_WATCHDOG);
	wait_file(f, "death", "errno=5\n");
	assert_non_null(strstr(read_text(f, "proc"), "trigger"));
}

static void
test_main_pid_is_followed(void **state)
{
	struct fixture *f = *state;
	struct process p;
	pid_t before;

	make_client(f, "daemon", NULL)->notify_access = ACCESS_TREE;
	start(f);
	do
		(void)take(f);
	while (f->c.state != COMPONENT_RUNNING);
	before = f->record.pid;
	assert_int_equal(process_read(before, &p), 0);
	assert_int_not_equal(p.ppid, f->keeper);
	assert_int_equal(kill(before, SIGKILL), 0);
	wait_restarts(f, 1);
	assert_int_not_equal(f->record.pid, before);
}

static void
test_reload_restarts_only_what_changed(void **state)
{
	struct fixture *f = *state;
	const char *other[] = { "/bin/sleep", "2000", NULL };
	pid_t first;

	first = start_sleeper(f);
	f->config->restart.max_restarts = 7;
	configure(f);
	do
		(void)take(f);
	while (f->record.max_restarts != 7);
	assert_int_equal(f->record.pid, first);
	(void)make_config(f, other);
	configure(f);
	do
		(void)take(f);
	while (f->c.state != COMPONENT_RUNNING || f->record.pid == first);
	assert_int_equal(f->c.ndeaths, 0);
	assert_int_equal(f->c.restarts, 0);
}

static void
test_logger_gets_the_pipes(void **state)
{
	struct fixture *f = *state;
	struct message m = message_new(MESSAGE_OUTPUT);
	struct pollfd p = { .events = POLLIN };
	int fds[MESSAGE_DESCRIPTORS], dir, logger;
	char text[32];
	size_t nfds;

	make_client(f, "words", NULL)->restart.policy = RESTART_NEVER;
	start(f);
	wait_state(f, COMPONENT_STOPPED);
	dir = rundir_open_component(f->at.dir, "web");
	logger = rundir_connect(dir, "keeper", SOCK_SEQPACKET | SOCK_NONBLOCK);
	assert_true(logger >= 0);
	assert_int_equal(message_send(logger, &m, NULL, 0), 0);
	p.fd = logger;
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_int_equal(
	    message_receive_descriptors(logger, &m, fds, &nfds), 0);
	assert_int_equal(m.type, MESSAGE_PIPES);
	assert_int_equal(nfds, 2);
	assert_int_equal(read(fds[0], text, sizeof(text)), 12);
	assert_int_equal(read(fds[1], text, sizeof(text)), 11);
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(logger);
	(void)close(dir);
}

static void
test_fallback_takes_over(void **state)
{
	struct fixture *f = *state;
	const char *command[] = { "/bin/false", NULL };
	const char *fallback[] = { "/bin/sleep", "1000", NULL };
	struct component_config *c = make_config(f, command);
	char text[256];

	c->fallback = add_list(c, fallback);
	c->restart.max_restarts = 1;
	start(f);
	do
		(void)take(f);
	while (f->c.state != COMPONENT_RUNNING || !f->c.fallback);
	assert_int_equal(f->c.circuit, CIRCUIT_OPEN);
	process_command(f->record.pid, text, sizeof(text));
	assert_string_equal(text, "/bin/sleep 1000");
	wait_file(f, "death", "fallback");
}

static void
test_flood_is_dropped_when_nobody_reads(void **state)
{
	struct fixture *f = *state;
	int64_t until_ms = clock_ms() + PATIENCE_MS;
	int dir;

	make_client(f, "flood", NULL)->log.when_full = WHEN_FULL_DROP;
	start_ready(f);
	dir = rundir_open_component(f->at.dir, "web");
	do {
		assert_true(clock_ms() < until_ms);
		assert_int_equal(status_read(dir, &f->record), 0);
		(void)poll(NULL, 0, 1);
	} while (f->record.output_dropped < 300000);
	(void)close(dir);
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
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_restarts_at_once),
		TEST(test_ready_by_notification),
		TEST(test_heartbeats_are_counted),
		TEST(test_exec_failure_is_told_as_such),
		TEST(test_chdir_failure_is_told_as_such),
		TEST(test_stop_ends_escaped_tree),
		TEST(test_deaf_one_is_killed),
		TEST(test_term_ends_keeper_and_component),
		TEST(test_second_keeper_gives_way),
		TEST(test_lives_without_daemon),
		TEST(test_death_of_keeper_counts),
		TEST(test_last_words_are_kept),
		TEST(test_watchdog_trigger_leaves_evidence),
		TEST(test_main_pid_is_followed),
		TEST(test_reload_restarts_only_what_changed),
		TEST(test_logger_gets_the_pipes),
		TEST(test_fallback_takes_over),
		TEST(test_flood_is_dropped_when_nobody_reads),
		TEST(test_unkillable_is_named),
	};

	if (argc > 1)
		return be_component(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
