/* A keeper starts its component, and starts it again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "keeper_fixture.h"
#include "system/process.h"
#include "system/rundir.h"
#include "system/spawn.h"

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

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_restarts_at_once),
		TEST(test_ready_by_notification),
		TEST(test_heartbeats_are_counted),
		TEST(test_exec_failure_is_told_as_such),
		TEST(test_chdir_failure_is_told_as_such),
		TEST(test_main_pid_is_followed),
		TEST(test_reload_restarts_only_what_changed),
		TEST(test_fallback_takes_over),
	};

	return keeper_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
