/* What time alone does to a component: heartbeats, deadlines, schedules. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "component_world.h"

static void
test_good_health_resets_level_not_window(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_start(&w);
	world_die(&w, CAUSE_SIGNAL, SIGKILL);
	(void)world_step(&w, EVENT_READY);
	assert_int_equal(w.c.deadline_ms, w.in.now_ms + 60000);
	assert_int_equal(world_pass(&w), ACT_NOTHING);
	assert_int_equal(w.c.level, 0);
	assert_int_equal(w.c.deadline_ms, 0);
	assert_int_equal(component_deaths(&w.c, w.config, w.in.now_ms), 1);
}

static void
test_lateness_defers_good_health(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config->heartbeat = HEARTBEAT_NOTIFY;
	w.config->heartbeat_late_ms = 30000;
	world_start(&w);
	world_die(&w, CAUSE_SIGNAL, SIGKILL);
	(void)world_step(&w, EVENT_READY);
	w.in.now_ms += 31000;
	assert_int_equal(component_judge(&w.c, w.config, w.in.now_ms), 1);
	(void)world_pass(&w);
	assert_int_equal(w.c.level, 1); /* late: not in good health */
	assert_true(component_beat(&w.c, w.in.now_ms));
	(void)world_pass(&w);
	assert_int_equal(w.c.level, 0);
}

static void
test_stuck_is_a_death(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config->heartbeat = HEARTBEAT_NOTIFY;
	world_start(&w);
	assert_int_equal(component_next_ms(&w.c, w.config), 61000);
	assert_int_equal(component_judge(&w.c, w.config, 61000), 1);
	assert_int_equal(component_next_ms(&w.c, w.config), 121000);
	component_forgive(&w.c, 5000);
	assert_int_equal(component_judge(&w.c, w.config, 121000), 0);
	w.in.now_ms = 126000;
	assert_int_equal(component_judge(&w.c, w.config, 126000), 2);
	w.in.death.cause = CAUSE_STUCK;
	assert_int_equal(world_step(&w, EVENT_STUCK), ACT_ABORT);
	world_event_is(&w, "component_stuck");
	w.in.death.code = SIGABRT;
	assert_int_equal(world_step(&w, EVENT_EXIT), ACT_CLEAR);
	assert_int_equal(world_step(&w, EVENT_EMPTY), ACT_SPAWN);
	assert_int_equal(w.c.death.cause, CAUSE_STUCK);
}

static int
seen(struct world *w, int64_t age_ms, int64_t now_ms)
{
	int verdict = component_seen(&w->c, w->config, age_ms, now_ms);

	assert_null(component_check(&w->c));
	return verdict;
}

static void
test_seen_judges_on_arrival_only(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config->heartbeat = HEARTBEAT_DATABASE;
	world_start(&w);
	assert_int_equal(component_next_ms(&w.c, w.config), 0);
	assert_int_equal(component_judge(&w.c, w.config, 500000), 0);
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
	w.config->heartbeat = HEARTBEAT_FILE;
	world_start(&w);
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
	w.config->heartbeat = HEARTBEAT_DATABASE;
	world_start(&w);
	assert_int_equal(seen(&w, 30000, 31000), 0);
	/* Two seconds on its way. */
	assert_int_equal(seen(&w, 59000, 62000), 0);
	assert_int_equal(w.c.beats, 0);
	assert_int_equal(seen(&w, 0, 92000), 0);
	assert_int_equal(w.c.beats, 1);
}

static void
test_schedules(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config->schedule_every_ms = 3600000;
	world_start(&w);
	world_die(&w, CAUSE_EXIT, 0);
	assert_true(w.c.done);
	assert_int_equal(w.c.deadline_ms, 3601000);
	assert_int_equal(world_pass(&w), ACT_SPAWN);

	world_init(&w);
	w.config->schedule_daily_min = 120;
	w.in.next_daily_ms = 70000;
	assert_int_equal(world_step(&w, EVENT_GO), ACT_NOTHING);
	assert_int_equal(w.c.state, COMPONENT_STOPPED);
	assert_int_equal(w.c.deadline_ms, 70000);
	assert_int_equal(world_pass(&w), ACT_SPAWN);
}

static void
test_schedule_changes_while_it_waits(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config->schedule_every_ms = 3600000;
	world_start(&w);
	component_reschedule(&w.c, w.config, 0);
	assert_int_equal(w.c.deadline_ms, 0);
	world_die(&w, CAUSE_EXIT, 0);
	w.config->schedule_every_ms = 60000;
	component_reschedule(&w.c, w.config, 0);
	assert_int_equal(w.c.deadline_ms, 61000);
	w.config->schedule_every_ms = 0;
	component_reschedule(&w.c, w.config, 0);
	assert_int_equal(w.c.deadline_ms, 0);
}

/* A pause isn't its hour; but what was cut short goes on at once. */
static void
test_resumed_job_waits_for_its_time(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config->schedule_daily_min = 120;
	w.in.next_daily_ms = 70000;
	(void)world_step(&w, EVENT_GO);
	w.in.want = WANT_PAUSE;
	(void)world_step(&w, EVENT_STOP);
	assert_int_equal(w.c.deadline_ms, 0);
	assert_int_equal(world_step(&w, EVENT_RUN), ACT_NOTHING);
	assert_int_equal(w.c.deadline_ms, 70000);
	assert_int_equal(world_pass(&w), ACT_SPAWN);
	(void)world_step(&w, EVENT_STOP);
	world_die(&w, CAUSE_SIGNAL, 15);
	assert_int_equal(world_step(&w, EVENT_RUN), ACT_SPAWN);

	world_init(&w);
	w.config->schedule_every_ms = 3600000;
	w.in.want = WANT_PAUSE;
	(void)world_step(&w, EVENT_STOP);
	(void)world_step(&w, EVENT_GO);
	assert_int_equal(world_step(&w, EVENT_RUN), ACT_SPAWN);
}

/* It never lives for stable_after; a run that ends well counts as much. */
static void
test_job_recovers_by_ending_well(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config->schedule_every_ms = 3600000;
	w.config->restart.max_restarts = 1;
	world_start(&w);
	world_die(&w, CAUSE_EXIT, 1);
	(void)world_step(&w, EVENT_READY);
	world_die(&w, CAUSE_EXIT, 1);
	assert_int_equal(w.c.state, COMPONENT_FAILED);
	assert_int_equal(world_pass(&w), ACT_SPAWN);
	(void)world_step(&w, EVENT_READY);
	world_die(&w, CAUSE_EXIT, 0);
	assert_int_equal(w.c.circuit, CIRCUIT_CLOSED);
	assert_int_equal(w.c.level, 0);
	assert_true(w.c.done);
}

static void
test_extend(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	(void)world_step(&w, EVENT_GO);
	component_extend(&w.c, 200000, 1000);
	assert_int_equal(w.c.deadline_ms, 201000);
	assert_int_equal(world_pass(&w), ACT_STOP);
	world_event_is(&w, "component_start_failed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_health_resets_level_not_window),
		cmocka_unit_test(test_lateness_defers_good_health),
		cmocka_unit_test(test_stuck_is_a_death),
		cmocka_unit_test(test_seen_judges_on_arrival_only),
		cmocka_unit_test(test_seen_by_two_watchers),
		cmocka_unit_test(test_seen_by_a_slow_watcher),
		cmocka_unit_test(test_schedules),
		cmocka_unit_test(test_schedule_changes_while_it_waits),
		cmocka_unit_test(test_resumed_job_waits_for_its_time),
		cmocka_unit_test(test_job_recovers_by_ending_well),
		cmocka_unit_test(test_extend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
