#include <signal.h>

#include "model/restart.h"

#define TERMINATED_MS 50 /* restart after a TERM from outside */
#define LEVEL_MAX     32

void
restart_record(
    struct component *c, const struct component_death *death, int64_t now_ms)
{
	c->death = *death;
	c->death.at_ms = now_ms;
	c->died = true;
	c->deaths_ms[c->ndeaths++ % CONFIG_DEATHS_MAX] = now_ms;
}

static bool
is_scheduled(const struct component_config *config)
{
	return config->schedule_every_ms > 0 || config->schedule_daily_min >= 0;
}

bool
restart_is_clean(
    const struct component_config *config, const struct component_death *d)
{
	if (d->cause == CAUSE_EXIT)
		return d->code == 0;
	return config->restart.policy != RESTART_ALWAYS &&
	    d->cause == CAUSE_SIGNAL &&
	    (d->code == SIGTERM || d->code == SIGINT || d->code == SIGHUP);
}

bool
restart_is_over(
    const struct component_config *config, const struct component_death *d)
{
	if (config->restart.policy == RESTART_NEVER)
		return true;
	return (config->restart.policy == RESTART_ON_FAILURE ||
		   is_scheduled(config)) &&
	    restart_is_clean(config, d);
}

int64_t
restart_delay_ms(
    struct component *c, const struct component_config *config, uint32_t random)
{
	const struct config_restart_policy *r = &config->restart;
	int level = c->level;
	int64_t delay = r->delay_ms;

	if (level < LEVEL_MAX)
		c->level++;
	if (level == 0)
		return c->death.cause == CAUSE_SIGNAL &&
			c->death.code == SIGTERM
		    ? TERMINATED_MS
		    : 0;
	while (--level > 0 && delay < r->delay_max_ms)
		delay *= 2;
	if (delay > r->delay_max_ms)
		delay = r->delay_max_ms;
	return delay * (900 + (int64_t)(random % 201)) / 1000;
}

bool
restart_opens_circuit(const struct component *c,
    const struct component_config *config, int64_t now_ms)
{
	int max = config->restart.max_restarts;

	if (c->fallback || max == 0)
		return false;
	return c->circuit == CIRCUIT_HALF_OPEN ||
	    component_deaths(c, config, now_ms) > max;
}

void
component_reset(struct component *c)
{
	c->level = 0;
	c->ndeaths = 0;
}

int
component_deaths(const struct component *c,
    const struct component_config *config, int64_t now_ms)
{
	uint32_t n = 0;

	while (n < c->ndeaths && n < CONFIG_DEATHS_MAX &&
	    now_ms - c->deaths_ms[(c->ndeaths - 1 - n) % CONFIG_DEATHS_MAX] <=
		config->restart.window_ms)
		n++;
	return (int)n;
}
