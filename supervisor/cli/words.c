#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "cli/words.h"

/* One component on its way into words. */
struct draft {
	struct words *words;
	const struct overview *o;
	const struct overview_component *c;
	struct buf detail;
};

static void
set(struct draft *d, const char *word, bool unhealthy, enum print_colour colour)
{
	d->words->word = word;
	d->words->unhealthy = unhealthy;
	d->words->colour = colour;
}

static void
add_age(struct draft *d, const char *before, int64_t ms, const char *after)
{
	char age[DURATION_SIZE];

	duration_format(age, ms > 0 ? ms : 0);
	buf_addf(&d->detail, "%s%s%s", before, age, after);
}

static void
add_death(struct draft *d)
{
	char text[128];

	component_describe_death(text, sizeof(text), &d->c->component.death);
	buf_add(&d->detail, text);
}

/* "since 02:14, by olaf: disk is full", as far as somebody said it. */
static void
add_wanted(struct draft *d, const struct wanted_entry *w)
{
	char time[PRINT_TIME_SIZE];

	print_time(time, w->since);
	buf_addf(&d->detail, "since %s, by %s", time, w->by);
	if (w->why[0] != '\0')
		buf_addf(&d->detail, ": %s", w->why);
}

/* "3 of 5 restarts in 10m" */
static void
add_deaths(struct draft *d)
{
	const struct status_record *r = &d->c->record;
	char window[DURATION_SIZE];

	duration_format_exact(window, r->window_ms);
	if (r->max_restarts == 0)
		buf_addf(&d->detail, "%d restarts in %s", r->deaths_in_window,
		    window);
	else
		buf_addf(&d->detail, "%d of %d restarts in %s",
		    r->deaths_in_window < r->max_restarts ? r->deaths_in_window
							  : r->max_restarts,
		    r->max_restarts, window);
}

static void
say_stopped(struct draft *d)
{
	const struct component *m = &d->c->component;
	const struct wanted_entry *w = d->c->wanted;

	if (m->done && m->want == WANT_RUN) {
		set(d, "done", false, PRINT_PLAIN);
		add_death(d);
		add_age(d, ", ", d->o->now_ms - m->since_ms, " ago");
		if (m->deadline_ms != 0)
			add_age(d, ", again in ", m->deadline_ms - d->o->now_ms,
			    "");
		return;
	}
	if (m->want == WANT_RUN && m->deadline_ms != 0) {
		set(d, "waiting", false, PRINT_PLAIN);
		if (m->death.cause != CAUSE_NONE) {
			add_death(d);
			buf_add(&d->detail, "; ");
		}
		add_age(d, "starts in ", m->deadline_ms - d->o->now_ms, "");
		return;
	}
	if (m->want == WANT_RUN) { /* a policy that doesn't restart it */
		set(d, "stopped", true, PRINT_YELLOW);
		add_death(d);
		add_age(d, ", ", d->o->now_ms - m->since_ms, " ago");
		return;
	}
	set(d, m->want == WANT_PAUSE ? "paused" : "stopped", false,
	    PRINT_PLAIN);
	if (w != NULL)
		add_wanted(d, w);
	else
		add_age(d, "for ", d->o->now_ms - m->since_ms, "");
}

/* Names what it is after and what doesn't let it pass yet. */
static void
say_waiting(struct draft *d)
{
	const struct component_config *config = d->c->config;
	size_t named = 0;

	set(d, "waiting", false, PRINT_PLAIN);
	if (d->c->component.held) {
		buf_add(&d->detail, "held: most of its kind died of one cause");
		return;
	}
	for (uint32_t i = 0; config != NULL && i < config->after.count; i++) {
		const char *name = config_item(config, config->after, i);
		const struct overview_component *other =
		    overview_find(d->o, name);

		if (other == NULL || component_lets_pass(&other->component))
			continue;
		buf_addf(
		    &d->detail, "%s%s", named++ == 0 ? "for " : ", ", name);
	}
	if (named == 0)
		buf_add(&d->detail, "for its turn");
}

static void
say_stopping(struct draft *d)
{
	const struct component *m = &d->c->component;

	if (m->unkillable) {
		set(d, "stopping", true, PRINT_RED);
		buf_addf(&d->detail, "pid %d survives SIGKILL, it waits in %s",
		    d->c->record.unkillable_pid,
		    d->c->record.wait_channel[0] != '\0'
			? d->c->record.wait_channel
			: "the kernel");
		return;
	}
	if (m->death.cause == CAUSE_STUCK || m->death.cause == CAUSE_WATCHDOG) {
		set(d, "stuck", true, PRINT_RED);
		add_death(d);
		buf_add(&d->detail, "; being ended");
		return;
	}
	set(d, "stopping", false, PRINT_YELLOW);
	add_age(d, "for ", d->o->now_ms - m->since_ms, "");
}

/* How many tests wait, and for what: in the loop's words where it has any. */
static void
add_left(struct draft *d)
{
	const struct overview_loop *loop = &d->c->loop;
	const char *said = d->c->record.status_text;
	static const char idle[] = "idle: ";

	buf_addf(&d->detail, "%lld left", (long long)loop->left);
	if (strncmp(said, idle, sizeof(idle) - 1) == 0)
		buf_addf(&d->detail, ", %s", said + sizeof(idle) - 1);
	else if (loop->ready == 0)
		buf_add(&d->detail, ", none can be begun");
}

static void
say_running_loop(struct draft *d)
{
	const struct overview_loop *loop = &d->c->loop;

	if (loop->test[0] != '\0') {
		set(d, "running", false, PRINT_GREEN);
		buf_addf(&d->detail, "current test: %s", loop->test);
	} else if (loop->known) {
		set(d, "idle", false, PRINT_PLAIN);
		if (!loop->has_queue)
			buf_add(&d->detail, "queue unknown");
		else if (loop->left == 0)
			buf_add(&d->detail, "queue empty");
		else
			add_left(d);
	} else {
		set(d, "running", false, PRINT_GREEN);
		buf_add(&d->detail, "no test yet");
	}
	if (d->c->wish == WANTED_DRAINING)
		buf_add(&d->detail, ", pauses after it");
}

static void
say_running(struct draft *d)
{
	const struct component *m = &d->c->component;
	int64_t now_ms = d->o->now_ms;

	if (m->fallback) {
		set(d, "fallback", true, PRINT_YELLOW);
		buf_add(&d->detail, "last death: ");
		add_death(d);
		add_age(
		    d, ", real command tried in ", m->retry_ms - now_ms, "");
		return;
	}
	if (m->late) {
		set(d, "degraded", true, PRINT_YELLOW);
		if (m->beat_ms != 0)
			add_age(
			    d, "last heartbeat: ", now_ms - m->beat_ms, " ago");
		else
			buf_add(&d->detail, "late heartbeat");
		return;
	}
	if (d->c->is_loop) {
		say_running_loop(d);
		return;
	}
	set(d, "healthy", false, PRINT_GREEN);
	if (d->c->heartbeat_age_ms >= 0) {
		add_age(d, "last heartbeat: ", d->c->heartbeat_age_ms, " ago");
	} else if (d->c->never_heard) {
		set(d, "unknown", false, PRINT_YELLOW);
		buf_add(&d->detail, "never heard");
	} else {
		add_age(d, "up ", now_ms - m->started_ms, "");
	}
}

static void
say_state(struct draft *d)
{
	const struct component *m = &d->c->component;
	int64_t now_ms = d->o->now_ms;

	switch (m->state) {
	case COMPONENT_STOPPED: say_stopped(d); break;
	case COMPONENT_WAITING: say_waiting(d); break;
	case COMPONENT_STARTING:
		set(d, "starting", false, PRINT_YELLOW);
		add_age(d, "for ", now_ms - m->since_ms, "");
		break;
	case COMPONENT_RUNNING: say_running(d); break;
	case COMPONENT_STOPPING: say_stopping(d); break;
	case COMPONENT_BACKOFF:
		set(d, "backoff", true, PRINT_YELLOW);
		add_deaths(d);
		add_age(d, ", next in ", m->deadline_ms - now_ms, "");
		break;
	case COMPONENT_FAILED:
		set(d, "failed", true, PRINT_RED);
		add_deaths(d);
		buf_add(&d->detail, ", last: ");
		add_death(d);
		add_age(d, ", tried again in ", m->retry_ms - now_ms, "");
		break;
	}
}

/* No keeper lives: its component doesn't either. */
static void
say_kept_by_nobody(struct draft *d)
{
	const struct component *m = &d->c->component;
	bool ran = d->c->has_record && m->state != COMPONENT_STOPPED;

	if (d->c->wanted != NULL) {
		bool paused = d->c->wanted->state != WANTED_STOPPED;

		set(d, paused ? "paused" : "stopped", false, PRINT_PLAIN);
		add_wanted(d, d->c->wanted);
	} else if (d->c->config != NULL && !d->c->config->enabled) {
		set(d, "stopped", false, PRINT_PLAIN);
		buf_add(&d->detail, "not enabled in the configuration");
	} else if (ran || d->o->running) {
		set(d, "dead", true, PRINT_RED);
		buf_add(&d->detail, "its keeper is gone");
	} else {
		set(d, "stopped", false, PRINT_PLAIN);
		buf_add(&d->detail, "the fleet is down");
	}
}

void
words_of(struct words *ret, const struct overview *o,
    const struct overview_component *c)
{
	struct draft d = { .words = ret, .o = o, .c = c };

	buf_init(&d.detail, ret->detail, sizeof(ret->detail));
	if (c->keeper_pid == 0) {
		say_kept_by_nobody(&d);
	} else if (!c->has_record) {
		set(&d, "starting", false, PRINT_YELLOW);
		buf_add(&d.detail, "its keeper has told nothing yet");
	} else {
		say_state(&d);
	}
	text_clean(ret->detail);
}

void
words_print(const char *name, const struct words *w, bool colour)
{
	printf("%s: %s%s%s", name, print_begin(colour, w->colour), w->word,
	    print_end(colour, w->colour));
	if (w->detail[0] != '\0')
		printf(" (%s)", w->detail);
	(void)putchar('\n');
}
