/* Heartbeats and deadlines of a component: what time alone brings about. */
#include <stddef.h>

#include "model/component.h"

/* The watcher's clock and ours are read a moment apart, on a machine that is
 * in trouble a long one: how much of that is no heartbeat. */
#define SLACK_MIN_MS	50
#define SLACK_PER_LIMIT 16

bool
component_excuse(struct component *c, int64_t now_ms)
{
	if (!c->late)
		return false;
	c->late = false;
	c->good_since_ms = now_ms;
	return true;
}

bool
component_beat(struct component *c, int64_t now_ms)
{
	c->beats++;
	if (c->state != COMPONENT_RUNNING)
		return false;
	c->beat_ms = now_ms;
	return component_excuse(c, now_ms);
}

/* age_ms without a sign of life: 0 nothing new, 1 became late, 2 stuck. */
static int
judge_age(
    struct component *c, const struct component_config *config, int64_t age_ms)
{
	if (age_ms >= config->heartbeat_timeout_ms)
		return 2;
	if (age_ms < config->heartbeat_late_ms || c->late)
		return 0;
	c->late = true;
	c->good_since_ms = 0;
	return 1;
}

static int64_t
later(int64_t a_ms, int64_t b_ms)
{
	return a_ms > b_ms ? a_ms : b_ms;
}

/* A report that the value is unchanged since heard_ms. The first one of a run
 * says nothing. */
static void
hear(struct component *c, const struct component_config *config,
    int64_t heard_ms)
{
	int64_t slack_ms =
	    later(SLACK_MIN_MS, config->heartbeat_timeout_ms / SLACK_PER_LIMIT);

	if (c->seen_ms != 0 && heard_ms > c->seen_ms + slack_ms) {
		c->beats++;
		c->beat_ms = later(c->beat_ms, heard_ms);
	}
	c->seen_ms = later(c->seen_ms, later(heard_ms, 1));
}

int
component_seen(struct component *c, const struct component_config *config,
    int64_t age_ms, int64_t now_ms)
{
	if (age_ms < 0) {
		(void)component_beat(c, now_ms);
		return 0;
	}
	if (c->state != COMPONENT_RUNNING || c->fallback ||
	    (config->heartbeat != HEARTBEAT_DATABASE &&
		config->heartbeat != HEARTBEAT_FILE))
		return 0;
	/* It isn't judged for the time before it was ready. */
	hear(c, config, later(c->since_ms, now_ms - age_ms));
	age_ms = now_ms - later(c->beat_ms, c->seen_ms);
	if (age_ms < config->heartbeat_late_ms)
		(void)component_excuse(c, now_ms);
	return judge_age(c, config, age_ms);
}

int
component_judge(
    struct component *c, const struct component_config *config, int64_t now_ms)
{
	if (c->state != COMPONENT_RUNNING || c->beat_ms == 0 ||
	    config->heartbeat != HEARTBEAT_NOTIFY)
		return 0;
	return judge_age(c, config, now_ms - c->beat_ms);
}

void
component_forgive(struct component *c, int64_t ms)
{
	if (c->beat_ms > 0)
		c->beat_ms += ms;
	if (c->state == COMPONENT_STARTING)
		c->deadline_ms += ms;
}

void
component_extend(struct component *c, int64_t ms, int64_t now_ms)
{
	if (c->state != COMPONENT_STARTING &&
	    (c->state != COMPONENT_STOPPING || c->killed))
		return;
	if (c->deadline_ms < now_ms + ms)
		c->deadline_ms = now_ms + ms;
}

void
component_reschedule(struct component *c, const struct component_config *config,
    int64_t next_daily_ms)
{
	if (c->state != COMPONENT_STOPPED)
		return;
	c->deadline_ms = 0;
	if (c->want != WANT_RUN)
		return;
	if (config->schedule_daily_min >= 0)
		c->deadline_ms = next_daily_ms;
	if (config->schedule_every_ms > 0)
		c->deadline_ms = c->started_ms > 0
		    ? c->started_ms + config->schedule_every_ms
		    : 1;
}

static int64_t
earlier(int64_t a_ms, int64_t b_ms)
{
	return b_ms == 0 || (a_ms != 0 && a_ms < b_ms) ? a_ms : b_ms;
}

int64_t
component_next_ms(
    const struct component *c, const struct component_config *config)
{
	int64_t limit_ms =
	    c->late ? config->heartbeat_timeout_ms : config->heartbeat_late_ms;

	if (c->state != COMPONENT_RUNNING || c->beat_ms == 0 ||
	    config->heartbeat != HEARTBEAT_NOTIFY)
		return c->deadline_ms;
	return earlier(c->deadline_ms, c->beat_ms + limit_ms);
}

bool
component_lets_pass(const struct component *c)
{
	switch (c->state) {
	case COMPONENT_STOPPED:
	case COMPONENT_RUNNING:
	case COMPONENT_FAILED: return true;
	case COMPONENT_BACKOFF:
	case COMPONENT_WAITING:
	case COMPONENT_STARTING:
	case COMPONENT_STOPPING: break;
	}
	/* Six deaths in a row: where max_restarts = 0 it would never fail. */
	return c->fallback || c->want != WANT_RUN || c->level >= 6;
}

const char *
component_check(const struct component *c)
{
	bool due = c->deadline_ms != 0;

	switch (c->state) {
	case COMPONENT_WAITING:
		if (due)
			return "waiting with a deadline";
		break;
	case COMPONENT_STARTING:
	case COMPONENT_STOPPING:
	case COMPONENT_BACKOFF:
	case COMPONENT_FAILED:
		if (!due)
			return "without the deadline of its state";
		break;
	case COMPONENT_STOPPED:
	case COMPONENT_RUNNING: break;
	}
	if (c->state != COMPONENT_RUNNING && (c->late || c->beat_ms != 0))
		return "judged by heartbeats while not running";
	if (c->late && c->good_since_ms != 0)
		return "late and in good health at once";
	if (c->state != COMPONENT_STOPPING && (c->killed || c->unkillable))
		return "killed but not stopping";
	if ((c->state == COMPONENT_STARTING || c->state == COMPONENT_RUNNING) &&
	    !c->go)
		return "runs before its go";
	if (c->circuit == CIRCUIT_OPEN && c->retry_ms == 0)
		return "circuit open without a next try";
	if (c->state == COMPONENT_FAILED && c->circuit != CIRCUIT_OPEN)
		return "failed with a closed circuit";
	return NULL;
}
