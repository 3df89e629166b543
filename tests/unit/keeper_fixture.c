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
#include "system/notify_send.h"

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

/* Whenever the keeper has room for it. */
static void
notify_surely(const char *state)
{
	while (notify_send(state) != 1)
		(void)poll(NULL, 0, 1);
}

static _Noreturn void
be_component(char **argv)
{
	const char *what = argv[1];

	if (strcmp(what, "escape") == 0)
		escape(argv[2]);
	if (strcmp(what, "beat") == 0) {
		(void)notify_send("READY=1\nSTATUS=beating");
		for (int i = 0; i < (int)strtol(argv[2], NULL, 10); i++)
			notify_surely("WATCHDOG=1");
		notify_surely("STATUS=beaten");
	}
	if (strcmp(what, "trigger") == 0) {
		(void)notify_send("READY=1");
		(void)notify_send("ERRNO=5\nWATCHDOG=trigger");
	}
	if (strcmp(what, "daemon") == 0 && fork() != 0) {
		(void)pause();
		exit(0);
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
		exit(7);
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
	for (;;)
		(void)pause();
}

/* ---- the daemon ---- */

struct config_list
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

struct component_config *
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

struct component_config *
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

void
tell(struct fixture *f, enum message_type type)
{
	struct message m = message_new(type);

	m.want = WANT_RUN;
	assert_int_equal(message_send(f->fd, &m, NULL, 0), 0);
}

void
want(struct fixture *f, enum component_want w)
{
	struct message m = message_new(MESSAGE_WANT);

	m.want = w;
	assert_int_equal(message_send(f->fd, &m, NULL, 0), 0);
}

void
configure(struct fixture *f)
{
	struct message m = message_new(MESSAGE_CONFIG);

	seal(f->config);
	assert_int_equal(
	    message_send(f->fd, &m, f->config, f->config->size), 0);
}

enum message_type
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

void
wait_state(struct fixture *f, enum component_state state)
{
	do
		(void)take(f);
	while (f->c.state != state || f->record.blob_size == 0);
}

void
wait_restarts(struct fixture *f, uint64_t restarts)
{
	do
		(void)take(f);
	while (f->c.restarts < restarts || f->c.state != COMPONENT_RUNNING);
}

void
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

void
start(struct fixture *f)
{
	give_birth(f);
	configure(f);
	want(f, WANT_RUN);
	tell(f, MESSAGE_GO);
}

void
start_ready(struct fixture *f)
{
	start(f);
	wait_state(f, COMPONENT_RUNNING);
}

pid_t
start_sleeper(struct fixture *f)
{
	const char *command[] = { "/bin/sleep", "1000", NULL };

	(void)make_config(f, command);
	start_ready(f);
	return f->record.pid;
}

int
end_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

int
keeper_set_up(void **state)
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

int
keeper_tear_down(void **state)
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

const char *
read_text(struct fixture *f, const char *name)
{
	static char text[8192];
	char path[64];

	(void)snprintf(path, sizeof(path), "c/web/%s", name);
	assert_true(io_read_file(f->at.dir, path, text, sizeof(text)) >= 0);
	return text;
}

void
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

int
keeper_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n)
{
	if (argc > 1)
		be_component(argv);
	return _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
}
