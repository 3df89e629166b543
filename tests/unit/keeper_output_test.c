/* What a keeper does with the output of its component, and leaves of a death.
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "keeper_fixture.h"
#include "system/rundir.h"

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

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_last_words_are_kept),
		TEST(test_watchdog_trigger_leaves_evidence),
		TEST(test_logger_gets_the_pipes),
		TEST(test_flood_is_dropped_when_nobody_reads),
	};

	return keeper_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
