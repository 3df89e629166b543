/* The event loop: timers, signals, and events that come too late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "system/loop.h"

struct fixture {
	struct loop loop;
	struct loop_source sources[3];
	int a[2], b[2]; /* pipes */
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	sigset_t signals;

	assert_non_null(f);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGUSR1);
	(void)sigaddset(&signals, SIGUSR2);
	assert_int_equal(sigprocmask(SIG_BLOCK, &signals, NULL), 0);
	assert_int_equal(loop_open(&f->loop, f->sources, 3, &signals), 0);
	assert_int_equal(pipe(f->a), 0);
	assert_int_equal(pipe(f->b), 0);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	loop_close(&f->loop);
	for (int i = 0; i < 2; i++) {
		(void)close(f->a[i]);
		(void)close(f->b[i]);
	}
	free(f);
	return 0;
}

static void
test_deadline_wakes_in_time(void **state)
{
	struct fixture *f = *state;
	int64_t deadline_ms = clock_ms() + 20;
	struct loop_event e;

	assert_int_equal(loop_wait(&f->loop, deadline_ms), 0);
	assert_true(clock_ms() >= deadline_ms);
	assert_false(loop_next(&f->loop, &e));
	/* It doesn't ring twice. */
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_int_equal(loop_wait(&f->loop, 0), 0);
	assert_false(loop_next(&f->loop, &e));
	assert_int_equal(loop_signals(&f->loop), loop_signal_bit(SIGUSR1));
}

static void
test_past_deadline_tells_how_late(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_wait(&f->loop, clock_ms() - 5000), 0);
	assert_true(f->loop.late_ms >= 5000);
	assert_int_equal(write(f->a[1], "x", 1), 1);
	assert_true(loop_add(&f->loop, f->a[0], EPOLLIN, 1, NULL) != 0);
	assert_int_equal(loop_wait(&f->loop, clock_ms() + 60000), 0);
	assert_int_equal(f->loop.late_ms, 0);
}

static void
test_signals_are_read_together(void **state)
{
	struct fixture *f = *state;
	struct loop_event e;

	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_int_equal(kill(getpid(), SIGUSR2), 0);
	assert_int_equal(loop_wait(&f->loop, 0), 0);
	while (loop_next(&f->loop, &e))
		fail();
	assert_int_equal(loop_signals(&f->loop),
	    loop_signal_bit(SIGUSR1) | loop_signal_bit(SIGUSR2));
	assert_int_equal(loop_signals(&f->loop), 0);
}

static void
test_event_of_a_removed_source_is_lost(void **state)
{
	struct fixture *f = *state;
	uint64_t a, b, again;
	struct loop_event e;

	a = loop_add(&f->loop, f->a[0], EPOLLIN, 1, &f->a);
	b = loop_add(&f->loop, f->b[0], EPOLLIN, 2, &f->b);
	assert_int_equal(write(f->a[1], "x", 1), 1);
	assert_int_equal(write(f->b[1], "x", 1), 1);
	assert_int_equal(loop_wait(&f->loop, 0), 0);
	assert_true(loop_next(&f->loop, &e));
	/* Whoever is served first removes the other and takes its place. */
	if (e.kind == 1) {
		loop_remove(&f->loop, &b);
		again = loop_add(&f->loop, f->b[0], EPOLLIN, 3, NULL);
	} else {
		loop_remove(&f->loop, &a);
		again = loop_add(&f->loop, f->a[0], EPOLLIN, 3, NULL);
	}
	assert_true(again != 0);
	assert_int_equal(a == 0 ? a : b, 0);
	assert_false(loop_next(&f->loop, &e));
	/* The new one is heard at the next wait. */
	assert_int_equal(loop_wait(&f->loop, 0), 0);
	assert_true(loop_next(&f->loop, &e));
	while (e.kind != 3)
		assert_true(loop_next(&f->loop, &e));
}

static void
test_full_table_is_said(void **state)
{
	struct fixture *f = *state;
	uint64_t a = loop_add(&f->loop, f->a[0], EPOLLIN, 1, NULL);

	assert_true(a != 0);
	assert_true(loop_add(&f->loop, f->a[1], EPOLLOUT, 1, NULL) != 0);
	assert_true(loop_add(&f->loop, f->b[0], EPOLLIN, 1, NULL) != 0);
	assert_int_equal(loop_add(&f->loop, f->b[1], EPOLLOUT, 1, NULL), 0);
	assert_int_equal(errno, ENOSPC);
	loop_remove(&f->loop, &a);
	assert_true(loop_add(&f->loop, f->b[1], EPOLLOUT, 1, NULL) != 0);
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_deadline_wakes_in_time),
		TEST(test_past_deadline_tells_how_late),
		TEST(test_signals_are_read_together),
		TEST(test_event_of_a_removed_source_is_lost),
		TEST(test_full_table_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
