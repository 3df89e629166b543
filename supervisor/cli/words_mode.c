/* Why the fleet is in its mode, and what that means. */
#include <stdio.h>

#include "base/buf.h"
#include "base/duration.h"
#include "cli/words.h"

/* The shortest "60s" of a duration, where duration_format() says "1m". */
static void
format_pause(char buf[static DURATION_SIZE], int64_t ms)
{
	if (ms % 1000 == 0 && ms < 120 * 1000)
		(void)snprintf(buf, DURATION_SIZE, "%ds", (int)(ms / 1000));
	else
		duration_format_exact(buf, ms);
}

static void
add_effect(struct buf *b, const struct overview *o)
{
	char pause[DURATION_SIZE] = "60s";

	switch (o->mode) {
	case MODE_NORMAL: break;
	case MODE_SLOW:
		if (o->conf != NULL && o->conf->nloops > 0)
			format_pause(pause, o->conf->loops[0].slow_pause_ms);
		buf_addf(b, "%s between tests, no overlapping files", pause);
		break;
	case MODE_CONSERVATIVE: buf_add(b, "loops stop at any conflict"); break;
	case MODE_FILE_BASED:
		buf_add(b, "loops finish what they are at and claim nothing");
		break;
	}
}

/* Wanted, and not ready. The daemon decides; this only finds its reason. */
static bool
is_missing(const struct overview_component *c)
{
	const struct component *m = &c->component;

	if (c->wish != WANTED_RUN && c->wish != WANTED_DRAINING)
		return false;
	if (c->keeper_pid == 0 || !c->has_record)
		return true;
	return m->want == WANT_RUN && m->state != COMPONENT_RUNNING && !m->done;
}

/* A recorder that waits for nobody has its turn when the database has been
 * checked. */
static bool
awaits_check(const struct overview_component *c)
{
	const struct component *m = &c->component;

	return c->config->housekeeping && c->config->after.count == 0 &&
	    c->config->mode_when_down == MODE_FILE_BASED && c->has_record &&
	    m->state == COMPONENT_WAITING && !m->go;
}

void
words_of_mode(struct overview *o)
{
	const struct overview_component *reason = NULL;
	char age[DURATION_SIZE];
	struct buf b;

	buf_init(&b, o->mode_reason, sizeof(o->mode_reason));
	if (!o->has_mode || o->mode == MODE_NORMAL)
		return;
	for (size_t i = 0; i < o->n && reason == NULL; i++) {
		const struct overview_component *c = &o->components[i];

		if (c->config != NULL && c->config->mode_when_down == o->mode &&
		    is_missing(c))
			reason = c;
	}
	if (reason == NULL && o->mode == MODE_FILE_BASED) {
		buf_add(&b, "the database can't be written: ");
	} else if (reason != NULL && awaits_check(reason)) {
		buf_add(&b, "the database is being checked: ");
	} else if (reason != NULL) {
		buf_addf(&b, "%s down", reason->name);
		if (o->mode_age_ms >= 0) {
			duration_format(age, o->mode_age_ms);
			buf_addf(&b, " %s", age);
		}
		buf_add(&b, ": ");
	}
	add_effect(&b, o);
}
