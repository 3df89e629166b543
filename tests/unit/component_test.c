/* The component's state machine: every cell, and the stories that matter. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/component.h"

struct world {
	struct component c;
	struct component_input in;
	struct component_result last;
};

/* Of the one world that a test has at a time. */
static struct component_config config;

static void
world_init(struct world *w)
{
	(void)memset(w, 0, sizeof(*w));
	(void)memset(&config, 0, sizeof(config));
	config.start_timeout_ms = 90000;
	config.heartbeat_timeout_ms = 120000;
	config.heartbeat_late_ms = 60000;
	config.stop_timeout_ms = 10000;
	config.schedule_daily_min = -1;
	config.restart = (struct config_restart_policy){
		.max_restarts = 5,
		.delay_ms = 1000,
		.delay_max_ms = 60000,
		.window_ms = 600000,
		.stable_after_ms = 60000,
		.retry_every_ms = 300000,
	};
	w->in.now_ms = 1000;
	w->in.random = 100; /* the middle: no jitter */
	component_init(&w->c, WANT_RUN, w->in.now_ms);
}

static enum component_action
step(struct world *w, enum component_event event)
{
	w->last = component_step(&w->c, &config, event, &w->in);
	assert_null(component_check(&w->c));
	return w->last.action;
}

static void
assert_event(const struct world *w, const char *type)
{
	if (type == NULL)
		assert_null(w->last.event);
	else
		assert_string_equal(w->last.event, type);
}

static void
start(struct world *w)
{
	assert_int_equal(step(w, EVENT_GO), ACT_SPAWN);
	assert_int_equal(step(w, EVENT_READY), ACT_NOTHING);
	assert_int_equal(w->c.state, COMPONENT_RUNNING);
}

static void
die(struct world *w, enum component_cause cause, int code)
{
	w->in.death = (struct component_death){ .cause = cause, .code = code };
	assert_int_equal(step(w, EVENT_EXIT), ACT_CLEAR);
	(void)step(w, EVENT_EMPTY);
}

/* Goes to the deadline and lets it pass. */
static enum component_action
pass(struct world *w)
{
	assert_int_not_equal(w->c.deadline_ms, 0);
	w->in.now_ms = w->c.deadline_ms;
	return step(w, EVENT_TIMEOUT);
}

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
			    &w.c, &config, (enum component_event)e, &w.in);
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
	assert_int_equal(step(&w, EVENT_START), ACT_NOTHING);
	assert_int_equal(step(&w, EVENT_GO), ACT_SPAWN);
	assert_event(&w, "component_started");
	assert_int_equal(w.c.deadline_ms, 91000);
	(void)step(&w, EVENT_READY);
	assert_event(&w, "component_ready");
	assert_true(component_lets_pass(&w.c));
}

static void
test_backs_off_by_level(void **state)
{
	static const int64_t delays_ms[] = { 1000, 2000, 4000, 8000 };
	struct world w;

	(void)state;
	world_init(&w);
	start(&w);
	w.in.now_ms = 5000;
	die(&w, CAUSE_EXIT, 3);
	assert_event(&w, "component_restarted");
	assert_int_equal(w.c.state, COMPONENT_STARTING);
	assert_int_equal(w.c.level, 1);
	assert_int_equal(w.c.restarts, 1);
	for (size_t i = 0; i < sizeof(delays_ms) / sizeof(*delays_ms); i++) {
		die(&w, CAUSE_EXIT, 3);
		assert_event(&w, "component_stopped");
		assert_int_equal(w.c.state, COMPONENT_BACKOFF);
		assert_int_equal(w.c.deadline_ms, w.in.now_ms + delays_ms[i]);
		assert_int_equal(pass(&w), ACT_SPAWN);
	}
	die(&w, CAUSE_EXIT, 3); /* the sixth: one more than max_restarts */
	assert_int_equal(w.c.state, COMPONENT_FAILED);
	assert_event(&w, "component_failed");
}

static void
test_jitter_is_a_tenth(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	start(&w);
	die(&w, CAUSE_EXIT, 1);
	w.in.random = 0;
	die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.deadline_ms, w.in.now_ms + 900);
	(void)pass(&w);
	w.in.random = 200;
	die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.deadline_ms, w.in.now_ms + 2200);
}

static void
test_good_health_resets_level_not_window(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	start(&w);
	die(&w, CAUSE_SIGNAL, SIGKILL);
	(void)step(&w, EVENT_READY);
	assert_int_equal(w.c.deadline_ms, w.in.now_ms + 60000);
	assert_int_equal(pass(&w), ACT_NOTHING);
	assert_int_equal(w.c.level, 0);
	assert_int_equal(w.c.deadline_ms, 0);
	assert_int_equal(component_deaths(&w.c, &config, w.in.now_ms), 1);
}

static void
test_lateness_defers_good_health(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.heartbeat = HEARTBEAT_NOTIFY;
	config.heartbeat_late_ms = 30000;
	start(&w);
	die(&w, CAUSE_SIGNAL, SIGKILL);
	(void)step(&w, EVENT_READY);
	w.in.now_ms += 31000;
	assert_int_equal(component_judge(&w.c, &config, w.in.now_ms), 1);
	(void)pass(&w);
	assert_int_equal(w.c.level, 1); /* late: not in good health */
	assert_true(component_beat(&w.c, w.in.now_ms));
	(void)pass(&w);
	assert_int_equal(w.c.level, 0);
}

static void
test_fallback_and_half_open(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.fallback.count = 1;
	config.restart.max_restarts = 1;
	start(&w);
	die(&w, CAUSE_EXIT, 1);
	die(&w, CAUSE_EXIT, 1);
	assert_event(&w, "component_fallback");
	assert_true(w.c.fallback);
	assert_int_equal(w.c.circuit, CIRCUIT_OPEN);
	assert_true(component_lets_pass(&w.c));
	(void)step(&w, EVENT_READY);
	assert_int_equal(pass(&w), ACT_STOP); /* retry_every is over */
	w.in.death = (struct component_death){ .cause = CAUSE_SIGNAL };
	(void)step(&w, EVENT_EXIT);
	assert_int_equal(step(&w, EVENT_EMPTY), ACT_SPAWN);
	assert_false(w.c.fallback);
	assert_int_equal(w.c.circuit, CIRCUIT_HALF_OPEN);
	die(&w, CAUSE_EXIT, 1); /* it didn't hold */
	assert_true(w.c.fallback);
	(void)step(&w, EVENT_READY);
	(void)pass(&w);
	(void)step(&w, EVENT_EXIT);
	(void)step(&w, EVENT_EMPTY);
	(void)step(&w, EVENT_READY);
	(void)pass(&w);
	assert_event(&w, "component_recovered");
	assert_int_equal(w.c.circuit, CIRCUIT_CLOSED);
}

static void
test_failed_is_retried_and_restart_closes(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.restart.max_restarts = 1;
	start(&w);
	die(&w, CAUSE_EXIT, 1);
	die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_FAILED);
	assert_int_equal(pass(&w), ACT_SPAWN);
	assert_int_equal(w.c.circuit, CIRCUIT_HALF_OPEN);
	die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_FAILED);
	assert_int_equal(step(&w, EVENT_RESTART), ACT_SPAWN);
	assert_int_equal(w.c.circuit, CIRCUIT_CLOSED);
	assert_int_equal(component_deaths(&w.c, &config, w.in.now_ms), 0);
}

static void
test_policies(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.restart.policy = RESTART_ON_FAILURE;
	start(&w);
	die(&w, CAUSE_EXIT, 0);
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_true(w.c.done);
	assert_event(&w, "component_stopped");

	world_init(&w);
	config.restart.policy = RESTART_ON_FAILURE;
	start(&w);
	die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_STARTING);

	world_init(&w);
	config.restart.policy = RESTART_NEVER;
	start(&w);
	die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_false(w.c.done);
}

static void
test_term_from_outside_waits_a_little(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	start(&w);
	die(&w, CAUSE_SIGNAL, SIGTERM);
	assert_int_equal(w.c.state, COMPONENT_BACKOFF);
	assert_int_equal(w.c.deadline_ms, w.in.now_ms + 50);
}

static void
test_stop_grows_harsher(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	start(&w);
	w.in.want = WANT_PAUSE;
	assert_int_equal(step(&w, EVENT_STOP), ACT_STOP);
	assert_int_equal(w.c.deadline_ms, w.in.now_ms + 10000);
	assert_int_equal(pass(&w), ACT_KILL);
	assert_int_equal(pass(&w), ACT_KILL);
	assert_event(&w, "component_unkillable");
	assert_true(w.c.unkillable);
	(void)pass(&w);
	assert_event(&w, NULL); /* said once */
	(void)step(&w, EVENT_EXIT);
	(void)step(&w, EVENT_EMPTY);
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
	start(&w);
	w.in.want = WANT_DRAIN;
	assert_int_equal(step(&w, EVENT_STOP), ACT_NOTHING);
	assert_int_equal(w.c.state, COMPONENT_RUNNING);
	die(&w, CAUSE_EXIT, 0);
	assert_event(&w, "component_stopped");
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_int_equal(w.c.ndeaths, 0);

	world_init(&w);
	start(&w);
	w.in.want = WANT_DRAIN;
	(void)step(&w, EVENT_STOP);
	die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_int_equal(w.c.ndeaths, 1);
}

static void
test_wanted_again_while_stopping(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	start(&w);
	(void)step(&w, EVENT_STOP);
	(void)step(&w, EVENT_RUN);
	(void)step(&w, EVENT_EXIT);
	assert_int_equal(step(&w, EVENT_EMPTY), ACT_SPAWN);
	assert_int_equal(w.c.ndeaths, 0);
}

static void
test_stuck_is_a_death(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.heartbeat = HEARTBEAT_NOTIFY;
	start(&w);
	assert_int_equal(component_next_ms(&w.c, &config), 61000);
	assert_int_equal(component_judge(&w.c, &config, 61000), 1);
	assert_int_equal(component_next_ms(&w.c, &config), 121000);
	component_forgive(&w.c, 5000);
	assert_int_equal(component_judge(&w.c, &config, 121000), 0);
	w.in.now_ms = 126000;
	assert_int_equal(component_judge(&w.c, &config, 126000), 2);
	w.in.death.cause = CAUSE_STUCK;
	assert_int_equal(step(&w, EVENT_STUCK), ACT_ABORT);
	assert_event(&w, "component_stuck");
	w.in.death.code = SIGABRT;
	assert_int_equal(step(&w, EVENT_EXIT), ACT_CLEAR);
	assert_int_equal(step(&w, EVENT_EMPTY), ACT_SPAWN);
	assert_int_equal(w.c.death.cause, CAUSE_STUCK);
}

static int
seen(struct world *w, int64_t age_ms, int64_t now_ms)
{
	int verdict = component_seen(&w->c, &config, age_ms, now_ms);

	assert_null(component_check(&w->c));
	return verdict;
}

static void
test_seen_judges_on_arrival_only(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.heartbeat = HEARTBEAT_DATABASE;
	start(&w);
	assert_int_equal(component_next_ms(&w.c, &config), 0);
	assert_int_equal(component_judge(&w.c, &config, 500000), 0);
	assert_int_equal(seen(&w, 61000, 500000), 1);
	assert_int_equal(seen(&w, 0, 500000), 0);
	assert_false(w.c.late);
	assert_int_equal(seen(&w, 120000, 620000), 2);
}

static void
test_seen_by_two_watchers(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.heartbeat = HEARTBEAT_FILE;
	start(&w);
	assert_int_equal(seen(&w, 900, 1000), 0);
	assert_int_equal(seen(&w, 30000, 31000), 0);
	assert_int_equal(w.c.beats, 0); /* nothing came yet */
	assert_int_equal(w.c.beat_ms, 0);
	assert_int_equal(seen(&w, 1000, 60000), 0);
	assert_int_equal(w.c.beats, 1);
	assert_int_equal(w.c.beat_ms, 59000);
	assert_int_equal(seen(&w, -1, 100000), 0);
	assert_int_equal(w.c.beats, 2);
	/* The file is untouched for long; but it was heard otherwise. */
	assert_int_equal(seen(&w, 61000, 120000), 0);
	assert_int_equal(w.c.beats, 2);
	assert_int_equal(seen(&w, 101000, 160000), 1);
	assert_int_equal(seen(&w, 161000, 220000), 2);
}

static void
test_seen_by_a_slow_watcher(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.heartbeat = HEARTBEAT_DATABASE;
	start(&w);
	assert_int_equal(seen(&w, 30000, 31000), 0);
	/* Two seconds on its way. */
	assert_int_equal(seen(&w, 59000, 62000), 0);
	assert_int_equal(w.c.beats, 0);
	assert_int_equal(seen(&w, 0, 92000), 0);
	assert_int_equal(w.c.beats, 1);
}

static void
test_held_by_the_fleet(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	start(&w);
	die(&w, CAUSE_EXIT, 1);
	die(&w, CAUSE_EXIT, 1);
	(void)step(&w, EVENT_HOLD);
	assert_int_equal(pass(&w), ACT_NOTHING);
	assert_int_equal(w.c.state, COMPONENT_WAITING);
	assert_false(component_lets_pass(&w.c));
	assert_int_equal(step(&w, EVENT_RELEASE), ACT_SPAWN);
	assert_int_equal(w.c.restarts, 2);
}

static void
test_schedules(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.schedule_every_ms = 3600000;
	start(&w);
	die(&w, CAUSE_EXIT, 0);
	assert_true(w.c.done);
	assert_int_equal(w.c.deadline_ms, 3601000);
	assert_int_equal(pass(&w), ACT_SPAWN);

	world_init(&w);
	config.schedule_daily_min = 120;
	w.in.next_daily_ms = 70000;
	assert_int_equal(step(&w, EVENT_GO), ACT_NOTHING);
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_int_equal(w.c.deadline_ms, 70000);
	assert_int_equal(pass(&w), ACT_SPAWN);
}

static void
test_schedule_changes_while_it_waits(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.schedule_every_ms = 3600000;
	start(&w);
	component_reschedule(&w.c, &config, 0);
	assert_int_equal(w.c.deadline_ms, 0);
	die(&w, CAUSE_EXIT, 0);
	config.schedule_every_ms = 60000;
	component_reschedule(&w.c, &config, 0);
	assert_int_equal(w.c.deadline_ms, 61000);
	config.schedule_every_ms = 0;
	component_reschedule(&w.c, &config, 0);
	assert_int_equal(w.c.deadline_ms, 0);
}

/* A pause isn't its hour; but what was cut short goes on at once. */
static void
test_resumed_job_waits_for_its_time(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.schedule_daily_min = 120;
	w.in.next_daily_ms = 70000;
	(void)step(&w, EVENT_GO);
	w.in.want = WANT_PAUSE;
	(void)step(&w, EVENT_STOP);
	assert_int_equal(w.c.deadline_ms, 0);
	assert_int_equal(step(&w, EVENT_RUN), ACT_NOTHING);
	assert_int_equal(w.c.deadline_ms, 70000);
	assert_int_equal(pass(&w), ACT_SPAWN);
	(void)step(&w, EVENT_STOP);
	die(&w, CAUSE_SIGNAL, 15);
	assert_int_equal(step(&w, EVENT_RUN), ACT_SPAWN);

	world_init(&w);
	config.schedule_every_ms = 3600000;
	w.in.want = WANT_PAUSE;
	(void)step(&w, EVENT_STOP);
	(void)step(&w, EVENT_GO);
	assert_int_equal(step(&w, EVENT_RUN), ACT_SPAWN);
}

/* It never lives for stable_after; a run that ends well counts as much. */
static void
test_job_recovers_by_ending_well(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	config.schedule_every_ms = 3600000;
	config.restart.max_restarts = 1;
	start(&w);
	die(&w, CAUSE_EXIT, 1);
	(void)step(&w, EVENT_READY);
	die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_FAILED);
	assert_int_equal(pass(&w), ACT_SPAWN);
	(void)step(&w, EVENT_READY);
	die(&w, CAUSE_EXIT, 0);
	assert_int_equal(w.c.circuit, CIRCUIT_CLOSED);
	assert_int_equal(w.c.level, 0);
	assert_true(w.c.done);
}

static void
test_keeper_death_counts(void **state)
{
	struct world w;
	struct component heir;

	(void)state;
	world_init(&w);
	start(&w);
	w.in.now_ms = 2000;
	component_inherit(&heir, &w.c, 2000);
	assert_null(component_check(&heir));
	assert_int_equal(heir.state, COMPONENT_STOPPING);
	assert_int_equal(heir.death.cause, CAUSE_KEEPER);
	w.c = heir;
	assert_int_equal(step(&w, EVENT_EMPTY), ACT_SPAWN);
	assert_int_equal(component_deaths(&w.c, &config, 2000), 1);
}

static void
test_extend(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	(void)step(&w, EVENT_GO);
	component_extend(&w.c, 200000, 1000);
	assert_int_equal(w.c.deadline_ms, 201000);
	assert_int_equal(pass(&w), ACT_STOP);
	assert_event(&w, "component_start_failed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_waits_for_go),
		cmocka_unit_test(test_backs_off_by_level),
		cmocka_unit_test(test_jitter_is_a_tenth),
		cmocka_unit_test(test_good_health_resets_level_not_window),
		cmocka_unit_test(test_lateness_defers_good_health),
		cmocka_unit_test(test_fallback_and_half_open),
		cmocka_unit_test(test_failed_is_retried_and_restart_closes),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_term_from_outside_waits_a_little),
		cmocka_unit_test(test_stop_grows_harsher),
		cmocka_unit_test(test_draining_goes_on_and_ends_by_itself),
		cmocka_unit_test(test_wanted_again_while_stopping),
		cmocka_unit_test(test_stuck_is_a_death),
		cmocka_unit_test(test_seen_judges_on_arrival_only),
		cmocka_unit_test(test_seen_by_two_watchers),
		cmocka_unit_test(test_seen_by_a_slow_watcher),
		cmocka_unit_test(test_held_by_the_fleet),
		cmocka_unit_test(test_schedules),
		cmocka_unit_test(test_schedule_changes_while_it_waits),
		cmocka_unit_test(test_resumed_job_waits_for_its_time),
		cmocka_unit_test(test_job_recovers_by_ending_well),
		cmocka_unit_test(test_keeper_death_counts),
		cmocka_unit_test(test_extend),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
