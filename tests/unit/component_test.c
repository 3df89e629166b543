/* The component's state machine: every cell, and the stories that matter. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "component_world.h"

static void
test_every_cell(void **state)
{
	static const int impossible[COMPONENT_STATES] = {
		[COMPONENT_STOPPED] = 1 << EVENT_READY | 1 << EVENT_STUCK |
		    1 << EVENT_EXIT | 1 << EVENT_EMPTY,
		[COMPONENT_WAITING] = 1 << EVENT_READY | 1 << EVENT_STUCK |
		    1 << EVENT_EXIT | 1 << EVENT_EMPTY | 1 << EVENT_TIMEOUT,
		[COMPONENT_STARTING] = 1 << EVENT_EMPTY,
		[COMPONENT_RUNNING] = 1 << EVENT_EMPTY,
		[COMPONENT_BACKOFF] = 1 << EVENT_READY | 1 << EVENT_STUCK |
		    1 << EVENT_EXIT | 1 << EVENT_EMPTY,
		[COMPONENT_FAILED] = 1 << EVENT_READY | 1 << EVENT_STUCK |
		    1 << EVENT_EXIT | 1 << EVENT_EMPTY,
	};

	(void)state;
	for (int s = 0; s < COMPONENT_STATES; s++) {
		for (int e = 0; e < COMPONENT_EVENTS; e++) {
			struct world w;
			struct component before;

			world_init(&w);
			w.c.state = (enum component_state)s;
			w.c.go = true;
			w.in.death.cause = CAUSE_EXIT;
			before = w.c;
			w.last = component_step(
			    &w.c, w.config, (enum component_event)e, &w.in);
			if (impossible[s] >> e & 1) {
				assert_int_equal(w.last.action, ACT_IMPOSSIBLE);
				assert_memory_equal(
				    &w.c, &before, sizeof(before));
			} else {
				assert_int_not_equal(
				    w.last.action, ACT_IMPOSSIBLE);
			}
		}
	}
}

static void
test_waits_for_go(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(w.c.state, COMPONENT_WAITING);
	assert_int_equal(world_step(&w, EVENT_START), ACT_NOTHING);
	assert_int_equal(world_step(&w, EVENT_GO), ACT_SPAWN);
	world_event_is(&w, "component_started");
	assert_int_equal(w.c.deadline_ms, 91000);
	(void)world_step(&w, EVENT_READY);
	world_event_is(&w, "component_ready");
	assert_true(component_lets_pass(&w.c));
}

static void
test_backs_off_by_level(void **state)
{
	static const int64_t delays_ms[] = { 1000, 2000, 4000, 8000 };
	struct world w;

	(void)state;
	world_init(&w);
	world_start(&w);
	w.in.now_ms = 5000;
	world_die(&w, CAUSE_EXIT, 3);
	world_event_is(&w, "component_restarted");
	assert_int_equal(w.c.state, COMPONENT_STARTING);
	assert_int_equal(w.c.level, 1);
	assert_int_equal(w.c.restarts, 1);
	for (size_t i = 0; i < sizeof(delays_ms) / sizeof(*delays_ms); i++) {
		world_die(&w, CAUSE_EXIT, 3);
		world_event_is(&w, "component_stopped");
		assert_int_equal(w.c.state, COMPONENT_BACKOFF);
		assert_int_equal(w.c.deadline_ms, w.in.now_ms + delays_ms[i]);
		assert_int_equal(world_pass(&w), ACT_SPAWN);
	}
	world_die(
	    &w, CAUSE_EXIT, 3); /* the sixth: one more than max_restarts */
	assert_int_equal(w.c.state, COMPONENT_FAILED);
	world_event_is(&w, "component_failed");
}

static void
test_jitter_is_a_tenth(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_start(&w);
	world_die(&w, CAUSE_EXIT, 1);
	w.in.random = 0;
	world_die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.deadline_ms, w.in.now_ms + 900);
	(void)world_pass(&w);
	w.in.random = 200;
	world_die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.deadline_ms, w.in.now_ms + 2200);
}

static void
test_fallback_and_half_open(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config->fallback.count = 1;
	w.config->restart.max_restarts = 1;
	world_start(&w);
	world_die(&w, CAUSE_EXIT, 1);
	world_die(&w, CAUSE_EXIT, 1);
	world_event_is(&w, "component_fallback");
	assert_true(w.c.fallback);
	assert_int_equal(w.c.circuit, CIRCUIT_OPEN);
	assert_true(component_lets_pass(&w.c));
	(void)world_step(&w, EVENT_READY);
	assert_int_equal(world_pass(&w), ACT_STOP); /* retry_every is over */
	w.in.death = (struct component_death){ .cause = CAUSE_SIGNAL };
	(void)world_step(&w, EVENT_EXIT);
	assert_int_equal(world_step(&w, EVENT_EMPTY), ACT_SPAWN);
	assert_false(w.c.fallback);
	assert_int_equal(w.c.circuit, CIRCUIT_HALF_OPEN);
	world_die(&w, CAUSE_EXIT, 1); /* it didn't hold */
	assert_true(w.c.fallback);
	(void)world_step(&w, EVENT_READY);
	(void)world_pass(&w);
	(void)world_step(&w, EVENT_EXIT);
	(void)world_step(&w, EVENT_EMPTY);
	(void)world_step(&w, EVENT_READY);
	(void)world_pass(&w);
	world_event_is(&w, "component_recovered");
	assert_int_equal(w.c.circuit, CIRCUIT_CLOSED);
}

static void
test_failed_is_retried_and_restart_closes(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config->restart.max_restarts = 1;
	world_start(&w);
	world_die(&w, CAUSE_EXIT, 1);
	world_die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_FAILED);
	assert_int_equal(world_pass(&w), ACT_SPAWN);
	assert_int_equal(w.c.circuit, CIRCUIT_HALF_OPEN);
	world_die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_FAILED);
	assert_int_equal(world_step(&w, EVENT_RESTART), ACT_SPAWN);
	assert_int_equal(w.c.circuit, CIRCUIT_CLOSED);
	assert_int_equal(component_deaths(&w.c, w.config, w.in.now_ms), 0);
}

static void
test_policies(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config->restart.policy = RESTART_ON_FAILURE;
	world_start(&w);
	world_die(&w, CAUSE_EXIT, 0);
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_true(w.c.done);
	world_event_is(&w, "component_stopped");

	world_init(&w);
	w.config->restart.policy = RESTART_ON_FAILURE;
	world_start(&w);
	world_die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_STARTING);

	world_init(&w);
	w.config->restart.policy = RESTART_NEVER;
	world_start(&w);
	world_die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_false(w.c.done);
}

static void
test_term_from_outside_waits_a_little(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_start(&w);
	world_die(&w, CAUSE_SIGNAL, SIGTERM);
	assert_int_equal(w.c.state, COMPONENT_BACKOFF);
	assert_int_equal(w.c.deadline_ms, w.in.now_ms + 50);
}

static void
test_stop_grows_harsher(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_start(&w);
	w.in.want = WANT_PAUSE;
	assert_int_equal(world_step(&w, EVENT_STOP), ACT_STOP);
	assert_int_equal(w.c.deadline_ms, w.in.now_ms + 10000);
	assert_int_equal(world_pass(&w), ACT_KILL);
	assert_int_equal(world_pass(&w), ACT_KILL);
	world_event_is(&w, "component_unkillable");
	assert_true(w.c.unkillable);
	(void)world_pass(&w);
	world_event_is(&w, NULL); /* said once */
	(void)world_step(&w, EVENT_EXIT);
	(void)world_step(&w, EVENT_EMPTY);
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_int_equal(w.c.want, WANT_PAUSE);
	assert_int_equal(w.c.ndeaths, 0);
}

static void
test_draining_goes_on_and_ends_by_itself(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_start(&w);
	w.in.want = WANT_DRAIN;
	assert_int_equal(world_step(&w, EVENT_STOP), ACT_NOTHING);
	assert_int_equal(w.c.state, COMPONENT_RUNNING);
	world_die(&w, CAUSE_EXIT, 0);
	world_event_is(&w, "component_stopped");
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_int_equal(w.c.ndeaths, 0);

	world_init(&w);
	world_start(&w);
	w.in.want = WANT_DRAIN;
	(void)world_step(&w, EVENT_STOP);
	world_die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_int_equal(w.c.ndeaths, 1);
}

static void
test_wanted_again_while_stopping(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_start(&w);
	(void)world_step(&w, EVENT_STOP);
	(void)world_step(&w, EVENT_RUN);
	(void)world_step(&w, EVENT_EXIT);
	assert_int_equal(world_step(&w, EVENT_EMPTY), ACT_SPAWN);
	assert_int_equal(w.c.ndeaths, 0);
}

static void
test_held_by_the_fleet(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_start(&w);
	world_die(&w, CAUSE_EXIT, 1);
	world_die(&w, CAUSE_EXIT, 1);
	(void)world_step(&w, EVENT_HOLD);
	assert_int_equal(world_pass(&w), ACT_NOTHING);
	assert_int_equal(w.c.state, COMPONENT_WAITING);
	assert_false(component_lets_pass(&w.c));
	assert_int_equal(world_step(&w, EVENT_RELEASE), ACT_SPAWN);
	assert_int_equal(w.c.restarts, 2);
}

static void
test_keeper_death_counts(void **state)
{
	struct world w;
	struct component heir;

	(void)state;
	world_init(&w);
	world_start(&w);
	w.in.now_ms = 2000;
	component_inherit(&heir, &w.c, 2000);
	assert_null(component_check(&heir));
	assert_int_equal(heir.state, COMPONENT_STOPPING);
	assert_int_equal(heir.death.cause, CAUSE_KEEPER);
	w.c = heir;
	assert_int_equal(world_step(&w, EVENT_EMPTY), ACT_SPAWN);
	assert_int_equal(component_deaths(&w.c, w.config, 2000), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_waits_for_go),
		cmocka_unit_test(test_backs_off_by_level),
		cmocka_unit_test(test_jitter_is_a_tenth),
		cmocka_unit_test(test_fallback_and_half_open),
		cmocka_unit_test(test_failed_is_retried_and_restart_closes),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_term_from_outside_waits_a_little),
		cmocka_unit_test(test_stop_grows_harsher),
		cmocka_unit_test(test_draining_goes_on_and_ends_by_itself),
		cmocka_unit_test(test_wanted_again_while_stopping),
		cmocka_unit_test(test_held_by_the_fleet),
		cmocka_unit_test(test_keeper_death_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
