#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/buf.h"
#include "cli/database.h"
#include "cli/overview.h"
#include "cli/wait_for.h"
#include "cli/words.h"
#include "store/queries_tests.h"

static enum wait_answer
say(struct wait *wait, enum wait_answer answer, const char *name,
    const char *word, const char *detail)
{
	struct buf b;

	buf_init(&b, wait->why, sizeof(wait->why));
	buf_addf(&b, "%s is %s", name, word);
	if (detail[0] != '\0')
		buf_addf(&b, " (%s)", detail);
	return answer;
}

static bool
is_wanted_running(const struct overview_component *c)
{
	return (c->wish == WANTED_RUN || c->wish == WANTED_DRAINING) &&
	    (c->config == NULL || c->config->enabled);
}

static enum wait_answer
look_ready(struct wait *wait, const struct overview_component *c,
    const struct words *w)
{
	const struct component *m = &c->component;
	bool kept = c->keeper_pid != 0 && c->has_record;

	if (!is_wanted_running(c))
		return wait->name[0] == '\0'
		    ? WAIT_THERE
		    : say(wait, WAIT_NEVER, c->name, w->word, w->detail);
	if (kept && !m->fallback &&
	    (m->state == COMPONENT_RUNNING ||
		(m->state == COMPONENT_STOPPED &&
		    (m->done || m->deadline_ms != 0))))
		return WAIT_THERE;
	return say(wait, WAIT_NOT_YET, c->name, w->word, w->detail);
}

static enum wait_answer
look_idle(struct wait *wait, const struct overview_component *c,
    const struct words *w)
{
	const struct overview_loop *loop = &c->loop;

	if (!c->is_loop)
		return wait->name[0] == '\0'
		    ? WAIT_THERE
		    : say(wait, WAIT_NEVER, c->name, "no loop", "");
	if (c->keeper_pid == 0 || c->record.pid == 0)
		return WAIT_THERE;
	/* Between two tests it isn't idle. */
	if (loop->test[0] == '\0' &&
	    (loop->ready >= 0
		    ? loop->ready == 0
		    : loop->has_queue && strcmp(loop->doing, "idle") == 0))
		return WAIT_THERE;
	return say(wait, WAIT_NOT_YET, c->name, w->word, w->detail);
}

static enum wait_answer
look_paused(struct wait *wait, const struct overview_component *c,
    const struct words *w)
{
	bool to_pause = c->wish == WANTED_PAUSED || c->wish == WANTED_DRAINING;

	if (!to_pause && wait->name[0] == '\0')
		return WAIT_THERE;
	if (to_pause && (c->keeper_pid == 0 || c->record.pid == 0))
		return WAIT_THERE;
	return say(wait, WAIT_NOT_YET, c->name, w->word, w->detail);
}

/* `paused` of a fleet in which nobody is to be paused is not there. */
static bool
anything_paused(const struct overview *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->components[i].wish == WANTED_PAUSED ||
		    o->components[i].wish == WANTED_DRAINING)
			return true;
	return false;
}

static enum wait_answer
look_one(struct wait *wait, const struct overview *o,
    const struct overview_component *c)
{
	struct words w;

	words_of(&w, o, c);
	switch (wait->goal) {
	case WAIT_READY: return look_ready(wait, c, &w);
	case WAIT_IDLE: return look_idle(wait, c, &w);
	case WAIT_PAUSED:
	case WAIT_PASSED: break;
	}
	return look_paused(wait, c, &w);
}

/* Its circuit, or the fleet's, is open: it is tried only now and then. */
static bool
is_given_up(const struct overview_component *c)
{
	return c->component.state == COMPONENT_FAILED || c->component.held ||
	    c->component.fallback;
}

/* Whoever is given up is named last: others may still come. */
static enum wait_answer
look_components(struct wait *wait, const struct overview *o)
{
	enum wait_answer answer = WAIT_THERE, one;

	wait->given_up = false;
	if (wait->goal == WAIT_PAUSED && wait->name[0] == '\0' &&
	    !anything_paused(o))
		return say(wait, WAIT_NOT_YET, "nothing", "to be paused", "");
	for (size_t i = 0; i < o->n; i++) {
		const struct overview_component *c = &o->components[i];

		if (wait->name[0] != '\0' && strcmp(wait->name, c->name) != 0)
			continue;
		one = look_one(wait, o, c);
		if (one == WAIT_THERE)
			continue;
		answer = one;
		wait->given_up = is_given_up(c);
		if (!wait->given_up)
			break;
	}
	return answer;
}

/* Goes through the tests that are meant. */
struct tests_look {
	struct wait *wait;
	enum wait_answer answer;
};

/* Of several it is a test that can still pass that is worth naming. */
static int
look_test(const struct test_row *t, void *argument)
{
	struct tests_look *look = argument;
	bool open = strcmp(t->status, "pending") == 0 ||
	    strcmp(t->status, "in_progress") == 0;

	if (strcmp(t->status, "passed") == 0)
		return 0;
	look->answer = say(look->wait, open ? WAIT_NOT_YET : WAIT_NEVER, t->id,
	    t->status, t->reason);
	return open;
}

static enum wait_answer
look_passed(struct wait *wait, const struct overview *o, struct store *s)
{
	struct tests_look look = { .wait = wait, .answer = WAIT_THERE };
	int result;

	if (s->db == NULL) {
		(void)strlcpy(wait->why, o->database_error, sizeof(wait->why));
		return o->owner[0] != '\0' ? WAIT_NEVER : WAIT_NOT_YET;
	}
	if (wait->test[0] != '\0')
		result = queries_test(s, wait->test, look_test, &look);
	else
		result = queries_each_test(s,
		    wait->name[0] != '\0' ? wait->name : NULL, NULL, look_test,
		    &look);
	if (result < 0 && errno != EBUSY) {
		(void)database_error(s);
		store_close(s);
		exit(CLI_FAILED);
	}
	return result < 0 ? WAIT_NOT_YET : look.answer;
}

enum wait_answer
wait_for_look(struct cli *cli, struct wait *wait)
{
	enum wait_answer answer;
	struct overview o;
	struct store s;

	database_overview(cli, &o, &s);
	wait->running = o.running;
	answer = wait->goal == WAIT_PASSED ? look_passed(wait, &o, &s)
					   : look_components(wait, &o);
	store_close(&s);
	overview_free(&o);
	return answer;
}
