#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "component_world.h"

void
world_init(struct world *w)
{
	static struct component_config config;

	(void)memset(&config, 0, sizeof(config));
	*w = (struct world){ .config = &config };
	w->config->start_timeout_ms = 90000;
	w->config->heartbeat_timeout_ms = 120000;
	w->config->heartbeat_late_ms = 60000;
	w->config->stop_timeout_ms = 10000;
	w->config->schedule_daily_min = -1;
	w->config->restart = (struct config_restart_policy){
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

enum component_action
world_step(struct world *w, enum component_event event)
{
	w->last = component_step(&w->c, w->config, event, &w->in);
	assert_null(component_check(&w->c));
	return w->last.action;
}

void
world_event_is(const struct world *w, const char *type)
{
	if (type == NULL)
		assert_null(w->last.event);
	else
		assert_string_equal(w->last.event, type);
}

void
world_start(struct world *w)
{
	assert_int_equal(world_step(w, EVENT_GO), ACT_SPAWN);
	assert_int_equal(world_step(w, EVENT_READY), ACT_NOTHING);
	assert_int_equal(w->c.state, COMPONENT_RUNNING);
}

void
world_die(struct world *w, enum component_cause cause, int code)
{
	w->in.death = (struct component_death){ .cause = cause, .code = code };
	assert_int_equal(world_step(w, EVENT_EXIT), ACT_CLEAR);
	(void)world_step(w, EVENT_EMPTY);
}

enum component_action
world_pass(struct world *w)
{
	assert_int_not_equal(w->c.deadline_ms, 0);
	w->in.now_ms = w->c.deadline_ms;
	return world_step(w, EVENT_TIMEOUT);
}
