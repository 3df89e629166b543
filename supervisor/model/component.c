/*
 *                 RUN, GO                       READY
 *   stopped ----> waiting ----> starting --------------> running
 *      ^                        ^   |  EXIT, TIMEOUT,      |  EXIT, STUCK,
 *      |                        |   |  STUCK, STOP         |  STOP, RESTART
 *      |                        |   v                      v
 *      |  not wanted, done      +-- stopping <-------------+
 *      +------------------------+   |  |  EMPTY: no process is left
 *                               |   |  |
 *                    TIMEOUT    |   |  |  circuit opens, no fallback
 *                  backoff -----+   |  +------------> failed
 *                     ^             |                   |  TIMEOUT: one try
 *                     +-------------+                   +------> starting
 *
 * stopped   nothing runs. A deadline only where a schedule starts it.
 * waiting   nothing runs, no deadline: GO or RELEASE brings it on.
 * starting  a process lives; deadline: start_timeout.
 * running   it is ready. Deadline: good health has lasted stable_after, or,
 *           while the fallback runs, the real command is to be tried.
 * stopping  a process may live; deadline: the next harsher step.
 * backoff   nothing runs; deadline: the restart.
 * failed    circuit open, nothing runs; deadline: the next try.
 *
 * Every death, whatever its cause, is recorded when it is known and decided
 * upon in one place, settle(), when the tree is empty. A transition makes one
 * event, except those into `waiting` and those into `stopping` that were
 * asked for: there nothing has happened yet that is worth a line.
 */
#include <stddef.h>

#include "model/component.h"
#include "model/restart.h"

#define UNKILLABLE_MS 5000 /* survived SIGKILL for so long */

/* One call of component_step(), handed to the cells of the table. */
struct turn {
	struct component *c;
	const struct component_config *config;
	const struct component_input *in;
};

static int64_t
no_earlier_than_1(int64_t ms)
{
	return ms > 0 ? ms : 1; /* 0 would mean "no deadline" */
}

/* The only writer of the state. */
static void
enter(struct turn *t, enum component_state state, int64_t deadline_ms)
{
	struct component *c = t->c;

	c->state = state;
	c->since_ms = t->in->now_ms;
	c->deadline_ms = deadline_ms;
	c->good_since_ms = 0;
	c->beat_ms = 0;
	c->seen_ms = 0;
	c->late = false;
	c->killed = false;
	c->unkillable = false;
}

static struct component_result
nothing(void)
{
	return (struct component_result){ .action = ACT_NOTHING };
}

static struct component_result
rest(struct turn *t)
{
	bool told = t->c->state != COMPONENT_WAITING;

	enter(t, COMPONENT_STOPPED, 0);
	component_reschedule(t->c, t->config, t->in->next_daily_ms);
	t->c->again = false;
	return (struct component_result){ .action = ACT_NOTHING,
		.event = told ? "component_stopped" : NULL };
}

static const char *
start_event(const struct component *c)
{
	if (c->fallback)
		return "component_fallback";
	return c->state == COMPONENT_STOPPED || c->state == COMPONENT_WAITING
	    ? "component_started"
	    : "component_restarted";
}

/* Starts it, unless it must wait for others. */
static struct component_result
begin(struct turn *t)
{
	struct component *c = t->c;
	const char *event = start_event(c);

	c->want = WANT_RUN;
	c->again = false;
	if (!c->go || c->held) {
		if (c->state != COMPONENT_WAITING)
			enter(t, COMPONENT_WAITING, 0);
		return nothing();
	}
	enter(t, COMPONENT_STARTING,
	    no_earlier_than_1(t->in->now_ms + t->config->start_timeout_ms));
	c->started_ms = t->in->now_ms;
	c->done = false;
	if (c->died)
		c->restarts++;
	c->died = false;
	return (struct component_result){ .action = ACT_SPAWN, .event = event };
}

/* Starts what the circuit allows: the real command, or the fallback. */
static struct component_result
begin_allowed(struct turn *t)
{
	struct component *c = t->c;

	if (c->circuit == CIRCUIT_OPEN && t->in->now_ms >= c->retry_ms) {
		c->circuit = CIRCUIT_HALF_OPEN;
		c->retry_ms = 0;
	}
	c->fallback = c->circuit == CIRCUIT_OPEN;
	if (c->fallback && t->config->fallback.count == 0) {
		c->fallback = false;
		enter(t, COMPONENT_FAILED, no_earlier_than_1(c->retry_ms));
		return (struct component_result){ .action = ACT_NOTHING,
			.event = "component_failed" };
	}
	return begin(t);
}

static void
close_circuit(struct component *c)
{
	c->circuit = CIRCUIT_CLOSED;
	c->retry_ms = 0;
	c->fallback = false;
	component_reset(c);
}

static struct component_result
begin_fresh(struct turn *t)
{
	close_circuit(t->c);
	return begin(t);
}

static struct component_result
note(struct turn *t)
{
	(void)t;
	return nothing();
}

static struct component_result
want_run(struct turn *t)
{
	t->c->want = WANT_RUN;
	return nothing();
}

static struct component_result
want_rest(struct turn *t)
{
	t->c->want = t->in->want != WANT_RUN ? t->in->want : WANT_STOP;
	t->c->again = false;
	t->c->done = false;
	return nothing();
}

static struct component_result
stay_stopped(struct turn *t)
{
	(void)want_rest(t);
	t->c->deadline_ms = 0;
	return nothing();
}

static struct component_result
stop_resting(struct turn *t)
{
	(void)want_rest(t);
	return rest(t);
}

static struct component_result
hold(struct turn *t)
{
	t->c->held = true;
	return nothing();
}

static struct component_result
release(struct turn *t)
{
	t->c->held = false;
	return nothing();
}

static struct component_result
release_waiting(struct turn *t)
{
	t->c->held = false;
	return t->c->go ? begin_allowed(t) : nothing();
}

static struct component_result
go(struct turn *t)
{
	t->c->go = true;
	return nothing();
}

/* A daily job waits for its hour, also when the fleet has just come up. */
static struct component_result
go_waiting(struct turn *t)
{
	t->c->go = true;
	if (t->config->schedule_daily_min >= 0 && t->c->started_ms == 0)
		return rest(t);
	return begin_allowed(t);
}

/* `resume`: a job that has done its work waits for its time again. */
static struct component_result
run_stopped(struct turn *t)
{
	struct component *c = t->c;

	c->want = WANT_RUN;
	if (c->started_ms == 0 || restart_is_clean(t->config, &c->death))
		component_reschedule(c, t->config, t->in->next_daily_ms);
	return c->deadline_ms > t->in->now_ms ? nothing() : begin_allowed(t);
}

static struct component_result
died(struct turn *t)
{
	struct component *c = t->c;
	const struct component_death *death = &t->in->death;
	const char *event = "component_crashed";

	if (!c->fallback &&
	    (c->want == WANT_DRAIN || restart_is_over(t->config, death)) &&
	    restart_is_clean(t->config, death)) {
		c->death = *death;
		c->death.at_ms = t->in->now_ms;
		event = NULL; /* component_stopped follows and says it all */
	} else {
		restart_record(c, death, t->in->now_ms);
	}
	if (death->cause == CAUSE_START_FAILED)
		event = "component_start_failed";
	enter(t, COMPONENT_STOPPING, t->in->now_ms + UNKILLABLE_MS);
	c->killed = true;
	return (struct component_result){ .action = ACT_CLEAR, .event = event };
}

/* It is to end: signal first, then harsher at the deadline. */
static struct component_result
end(struct turn *t, enum component_action action, const char *event)
{
	enter(t, COMPONENT_STOPPING,
	    no_earlier_than_1(t->in->now_ms + t->config->stop_timeout_ms));
	return (struct component_result){ .action = action, .event = event };
}

static struct component_result
end_asked(struct turn *t)
{
	t->c->death = (struct component_death){ .cause = CAUSE_OPERATOR,
		.at_ms = t->in->now_ms };
	return end(t, ACT_STOP, NULL);
}

static struct component_result
stop(struct turn *t)
{
	(void)want_rest(t);
	return t->c->want == WANT_DRAIN ? nothing() : end_asked(t);
}

static struct component_result
restart(struct turn *t)
{
	close_circuit(t->c);
	t->c->want = WANT_RUN;
	t->c->again = true;
	return end_asked(t);
}

/* `start` of what runs: nothing to do, unless it is only the fallback. */
static struct component_result
start_running(struct turn *t)
{
	if (t->c->fallback)
		return restart(t);
	t->c->want = WANT_RUN;
	component_reset(t->c);
	return nothing();
}

static struct component_result
restart_stopping(struct turn *t)
{
	close_circuit(t->c);
	t->c->want = WANT_RUN;
	t->c->again = true;
	return nothing();
}

static struct component_result
start_late(struct turn *t)
{
	restart_record(t->c,
	    &(struct component_death){ .cause = CAUSE_START_TIMEOUT },
	    t->in->now_ms);
	return end(t, ACT_STOP, "component_start_failed");
}

static struct component_result
stuck(struct turn *t)
{
	restart_record(t->c, &t->in->death, t->in->now_ms);
	return end(t, ACT_ABORT, "component_stuck");
}

/* The deadline of `running` follows from its other fields. */
static void
set_running_deadline(struct component *c, const struct component_config *config)
{
	if (c->fallback)
		c->deadline_ms = no_earlier_than_1(c->retry_ms);
	else if ((c->level > 0 || c->circuit == CIRCUIT_HALF_OPEN) &&
	    c->good_since_ms > 0)
		c->deadline_ms =
		    c->good_since_ms + config->restart.stable_after_ms;
	else
		c->deadline_ms = 0;
}

static struct component_result
ready(struct turn *t)
{
	struct component *c = t->c;

	enter(t, COMPONENT_RUNNING, 0);
	c->good_since_ms = no_earlier_than_1(t->in->now_ms);
	if (t->config->heartbeat == HEARTBEAT_NOTIFY && !c->fallback)
		c->beat_ms = c->good_since_ms;
	set_running_deadline(c, t->config);
	return (struct component_result){ .action = ACT_NOTHING,
		.event = c->fallback ? NULL : "component_ready" };
}

/* Good health has lasted, or the real command is to be tried again. */
static struct component_result
running_due(struct turn *t)
{
	struct component *c = t->c;
	bool recovered = c->circuit == CIRCUIT_HALF_OPEN;

	if (c->fallback) {
		c->again = true;
		return end_asked(t);
	}
	if (c->late) { /* it lasts from the moment when it recovers */
		c->deadline_ms =
		    t->in->now_ms + t->config->restart.stable_after_ms;
		return nothing();
	}
	set_running_deadline(c, t->config);
	if (t->in->now_ms < c->deadline_ms)
		return nothing();
	c->level = 0;
	c->circuit = CIRCUIT_CLOSED;
	c->deadline_ms = 0;
	return (struct component_result){ .action = ACT_NOTHING,
		.event = recovered ? "component_recovered" : NULL };
}

static struct component_result
main_gone(struct turn *t)
{
	t->c->death.code = t->in->death.code;
	if (t->c->killed)
		return nothing();
	t->c->killed = true;
	t->c->deadline_ms = t->in->now_ms + UNKILLABLE_MS;
	return (struct component_result){ .action = ACT_CLEAR };
}

static struct component_result
harsher(struct turn *t)
{
	struct component *c = t->c;
	bool survived = c->killed && !c->unkillable;

	c->unkillable = c->unkillable || survived;
	c->killed = true;
	c->deadline_ms = t->in->now_ms + UNKILLABLE_MS;
	return (struct component_result){ .action = ACT_KILL,
		.event = survived ? "component_unkillable" : NULL };
}

/* The tree is empty: what now? */
static struct component_result
settle(struct turn *t)
{
	struct component *c = t->c;
	int64_t delay_ms;

	if (c->want != WANT_RUN) {
		c->fallback = false;
		return rest(t);
	}
	if (c->again || c->death.cause == CAUSE_OPERATOR)
		return begin_allowed(t);
	if (!c->fallback && restart_is_over(t->config, &c->death)) {
		c->done = restart_is_clean(t->config, &c->death);
		if (c->done) { /* a job's good health, however short it was */
			c->level = 0;
			c->circuit = CIRCUIT_CLOSED;
		}
		return rest(t);
	}
	if (restart_opens_circuit(c, t->config, t->in->now_ms)) {
		c->circuit = CIRCUIT_OPEN;
		c->level = 0;
		c->retry_ms = no_earlier_than_1(
		    t->in->now_ms + t->config->restart.retry_every_ms);
		return begin_allowed(t);
	}
	delay_ms = restart_delay_ms(c, t->config, t->in->random);
	if (c->death.at_ms + delay_ms <= t->in->now_ms)
		return begin_allowed(t);
	enter(
	    t, COMPONENT_BACKOFF, no_earlier_than_1(c->death.at_ms + delay_ms));
	return (struct component_result){ .action = ACT_NOTHING,
		.event = "component_stopped" };
}

static struct component_result (*const steps[COMPONENT_STATES]
	[COMPONENT_EVENTS])(struct turn *) = {
	[COMPONENT_STOPPED] = {
		[EVENT_RUN] = run_stopped,
		[EVENT_START] = begin_fresh,
		[EVENT_STOP] = stay_stopped,
		[EVENT_RESTART] = begin_fresh,
		[EVENT_GO] = go,
		[EVENT_HOLD] = hold,
		[EVENT_RELEASE] = release,
		[EVENT_TIMEOUT] = begin_allowed,
	},
	[COMPONENT_WAITING] = {
		[EVENT_RUN] = begin_allowed,
		[EVENT_START] = begin_fresh,
		[EVENT_STOP] = stop_resting,
		[EVENT_RESTART] = begin_fresh,
		[EVENT_GO] = go_waiting,
		[EVENT_HOLD] = hold,
		[EVENT_RELEASE] = release_waiting,
	},
	[COMPONENT_STARTING] = {
		[EVENT_RUN] = want_run,
		[EVENT_START] = start_running,
		[EVENT_STOP] = stop,
		[EVENT_RESTART] = restart,
		[EVENT_GO] = go,
		[EVENT_HOLD] = hold,
		[EVENT_RELEASE] = release,
		[EVENT_READY] = ready,
		[EVENT_STUCK] = stuck,
		[EVENT_EXIT] = died,
		[EVENT_TIMEOUT] = start_late,
	},
	[COMPONENT_RUNNING] = {
		[EVENT_RUN] = want_run,
		[EVENT_START] = start_running,
		[EVENT_STOP] = stop,
		[EVENT_RESTART] = restart,
		[EVENT_GO] = go,
		[EVENT_HOLD] = hold,
		[EVENT_RELEASE] = release,
		[EVENT_READY] = note,
		[EVENT_STUCK] = stuck,
		[EVENT_EXIT] = died,
		[EVENT_TIMEOUT] = running_due,
	},
	[COMPONENT_STOPPING] = {
		[EVENT_RUN] = want_run,
		[EVENT_START] = restart_stopping,
		[EVENT_STOP] = want_rest,
		[EVENT_RESTART] = restart_stopping,
		[EVENT_GO] = go,
		[EVENT_HOLD] = hold,
		[EVENT_RELEASE] = release,
		[EVENT_READY] = note,
		[EVENT_STUCK] = note,
		[EVENT_EXIT] = main_gone,
		[EVENT_EMPTY] = settle,
		[EVENT_TIMEOUT] = harsher,
	},
	[COMPONENT_BACKOFF] = {
		[EVENT_RUN] = want_run,
		[EVENT_START] = begin_fresh,
		[EVENT_STOP] = stop_resting,
		[EVENT_RESTART] = begin_fresh,
		[EVENT_GO] = go,
		[EVENT_HOLD] = hold,
		[EVENT_RELEASE] = release,
		[EVENT_TIMEOUT] = begin_allowed,
	},
	[COMPONENT_FAILED] = {
		[EVENT_RUN] = want_run,
		[EVENT_START] = begin_fresh,
		[EVENT_STOP] = stop_resting,
		[EVENT_RESTART] = begin_fresh,
		[EVENT_GO] = go,
		[EVENT_HOLD] = hold,
		[EVENT_RELEASE] = release,
		[EVENT_TIMEOUT] = begin_allowed,
	},
};

struct component_result
component_step(struct component *c, const struct component_config *config,
    enum component_event event, const struct component_input *in)
{
	struct turn t = { .c = c, .config = config, .in = in };

	if (steps[c->state][event] == NULL)
		return (struct component_result){ .action = ACT_IMPOSSIBLE };
	return steps[c->state][event](&t);
}

void
component_init(struct component *c, enum component_want want, int64_t now_ms)
{
	*c = (struct component){ .want = want,
		.state =
		    want == WANT_RUN ? COMPONENT_WAITING : COMPONENT_STOPPED,
		.since_ms = now_ms };
}

void
component_inherit(
    struct component *c, const struct component *old, int64_t now_ms)
{
	const struct component_death death = { .cause = CAUSE_KEEPER };
	const struct component_input in = { .now_ms = now_ms };
	struct turn t = { .c = c, .in = &in };

	*c = *old;
	switch (old->state) {
	case COMPONENT_STARTING:
	case COMPONENT_RUNNING:
		restart_record(c, &death, now_ms);
		enter(&t, COMPONENT_STOPPING, now_ms + UNKILLABLE_MS);
		c->killed = true;
		break;
	case COMPONENT_STOPPED:
	case COMPONENT_WAITING:
	case COMPONENT_STOPPING:
	case COMPONENT_BACKOFF:
	case COMPONENT_FAILED: break;
	}
}
