/* The logger, killed again and again. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "logger_fixture.h"

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
		TEST(test_kill_campaign),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
