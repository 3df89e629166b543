#include <stdio.h>
#include <string.h>

#include "agents/recorder/alarm.h"
#include "model/mode.h"
#include "store/alerts.h"

#define CAUSE_SIZE 96
#define SOURCE	   "recorder"

/* Causes are KIND:NAME. */
static const char kind_failed[] = "component_failed";
static const char kind_unkillable[] = "component_unkillable";

/* Stands or doesn't; -1 with errno. */
static int
set(struct store *s, bool stands, const struct alert *alert)
{
	return stands ? alerts_raise(s, alert, NULL)
		      : alerts_clear(s, SOURCE, alert->cause);
}

static bool
has_failed(const struct view *v)
{
	return v->want == WANT_RUN &&
	    (v->state == COMPONENT_FAILED || v->circuit == CIRCUIT_OPEN);
}

static int
set_failed(struct store *s, const struct view *v)
{
	char cause[CAUSE_SIZE], death[160], message[400];
	const struct alert alert = { .cause = cause,
		.severity = "error",
		.type = kind_failed,
		.source = SOURCE,
		.message = message,
		.loop_id = v->is_loop ? v->name : NULL };

	(void)snprintf(cause, sizeof(cause), "%s:%s", kind_failed, v->name);
	component_describe_death(death, sizeof(death), &v->death);
	(void)snprintf(message, sizeof(message),
	    "%s can't be kept up (%s)%s; 'loopkeeper why %s' tells more",
	    v->name, death, v->fallback ? ", its fallback runs" : "", v->name);
	return set(s, has_failed(v), &alert);
}

static int
set_unkillable(struct store *s, const struct view *v)
{
	char cause[CAUSE_SIZE], message[200];
	const struct alert alert = { .cause = cause,
		.severity = "critical",
		.type = kind_unkillable,
		.source = SOURCE,
		.message = message,
		.loop_id = v->is_loop ? v->name : NULL };

	(void)snprintf(cause, sizeof(cause), "%s:%s", kind_unkillable, v->name);
	(void)snprintf(message, sizeof(message),
	    "%s: process %d survives SIGKILL; nothing is started in its place",
	    v->name, (int)v->unkillable_pid);
	return set(s, v->unkillable_pid != 0, &alert);
}

int
alarm_component(struct store *s, const struct view *v)
{
	return set_failed(s, v) < 0 || set_unkillable(s, v) < 0 ? -1 : 0;
}

int
alarm_mode(struct store *s, const char *mode)
{
	for (enum mode m = MODE_SLOW; m <= MODE_FILE_BASED; m++) {
		char cause[CAUSE_SIZE], message[160];
		const struct alert alert = { .cause = cause,
			.severity = "warning",
			.type = "mode_changed",
			.source = SOURCE,
			.message = message };

		(void)snprintf(cause, sizeof(cause), "mode:%s", mode_name(m));
		(void)snprintf(message, sizeof(message),
		    "the fleet is in mode %s; 'loopkeeper status' says why",
		    mode_name(m));
		if (set(s, strcmp(mode, mode_name(m)) == 0, &alert) < 0)
			return -1;
	}
	return 0;
}

/* Of a component that is there: what stands or not follows from its record. */
static bool
is_ours(const char *cause, void *argument)
{
	const struct views *views = argument;
	const char *name = strchr(cause, ':');

	if (strncmp(cause, "component_", strlen("component_")) != 0 ||
	    name == NULL)
		return true;
	for (size_t i = 0; i < views->n; i++)
		if (strcmp(views->list[i]->name, name + 1) == 0)
			return true;
	return false;
}

int
alarm_sweep(struct store *s, struct views *views)
{
	return alerts_sweep(s, SOURCE, is_ours, views);
}
