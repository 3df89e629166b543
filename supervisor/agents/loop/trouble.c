#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agents/loop/gate.h"
#include "agents/loop/health.h"
#include "agents/loop/trouble.h"
#include "base/text.h"
#include "store/alerts.h"

#define DELAY_MS     1000
#define DELAY_MAX_MS (60 * 1000)

/* Whether it is one of these, "load" or "load:loop-1"; names is NULL-ended. */
static bool
is_one_of(const char *cause, const char *const *names)
{
	size_t len = strcspn(cause, ":");

	for (; *names != NULL; names++)
		if (strlen(*names) == len && strncmp(cause, *names, len) == 0)
			return true;
	return false;
}

static bool
is_resource(const char *cause)
{
	static const char *const names[] = { "disk", "memory", "files", "load",
		NULL };

	return is_one_of(cause, names);
}

/* What is asked for before each claim. */
static bool
is_gate(const char *cause)
{
	static const char *const names[] = { "failures", NULL };

	return is_resource(cause) || is_one_of(cause, names);
}

/* It may have been there before: an alert stands for its cause as long as
 * nobody clears it. */
static void
raise_alert(struct runner *r, const char *cause)
{
	struct agent *a = &r->agent;
	const struct alert alert = { .cause = r->trouble_cause,
		.severity = "error",
		.type = cause,
		.source = a->name,
		.message = r->trouble,
		.loop_id = a->name };

	if (agent_database(a) == 0 &&
	    alerts_raise(&a->store, &alert,
		is_resource(cause) ? "resource_warning" : NULL) < 0)
		agent_failed(a, "raising an alert");
}

static void
clear_alert(struct runner *r)
{
	struct agent *a = &r->agent;

	if (r->trouble_cause[0] == '\0' || agent_database(a) < 0)
		return;
	if (alerts_clear(&a->store, a->name, r->trouble_cause) < 0)
		agent_failed(a, "clearing an alert");
	else
		r->trouble_cause[0] = '\0';
}

bool
trouble_refuse_one(struct runner *r, const char *why)
{
	if (r->only_test == NULL)
		return false;
	if (!r->finished)
		log_line(&r->agent.log, "%s can't be taken now: %s",
		    r->only_test, why);
	r->finished = r->failed = true;
	return true;
}

void
trouble_note(struct runner *r, int64_t now_ms, const char *cause,
    const char *format, ...)
{
	char text[sizeof(r->trouble)], name[sizeof(r->trouble_cause)];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text_clean(text);
	if (r->phase == PHASE_IDLE && trouble_refuse_one(r, text)) {
		gate_leave(r);
		return;
	}
	(void)snprintf(name, sizeof(name), "%s:%s", cause, r->config->name);
	if (strcmp(name, r->trouble_cause) != 0) {
		clear_alert(r);
		(void)snprintf(
		    r->trouble_cause, sizeof(r->trouble_cause), "%s", name);
		r->trouble[0] = '\0';
	}
	if (strcmp(text, r->trouble) != 0) {
		(void)snprintf(r->trouble, sizeof(r->trouble), "%s", text);
		log_line(&r->agent.log, "nothing is claimed: %s", text);
		raise_alert(r, cause);
		r->trouble_delay_ms = DELAY_MS;
	} else if (r->trouble_delay_ms < DELAY_MAX_MS) {
		r->trouble_delay_ms *= 2;
	}
	/* Others may try a provider meanwhile. */
	gate_leave(r);
	r->look = true;
	r->not_before_ms = now_ms + r->trouble_delay_ms;
	health_publish(r, true);
}

static bool
is_others(const char *cause, void *argument)
{
	static const char *const ours[] = { "repository", "hooks", "setup",
		"slow", "silent", "attempt_budget", NULL };

	(void)argument;
	return !is_gate(cause) && !is_one_of(cause, ours);
}

static bool
is_no_gate(const char *cause, void *argument)
{
	(void)argument;
	return !is_gate(cause);
}

/* Of an earlier run, which can't clear its own any more. */
static void
sweep(struct runner *r, bool (*keep)(const char *cause, void *argument),
    bool *done)
{
	struct agent *a = &r->agent;

	if (*done || agent_database(a) < 0)
		return;
	if (alerts_sweep(&a->store, a->name, keep, NULL) < 0)
		agent_failed(a, "clearing alerts");
	else
		*done = true;
}

static void
forget(struct runner *r)
{
	if (r->trouble[0] != '\0')
		log_line(&r->agent.log, "what kept it from working is gone");
	r->trouble[0] = '\0';
	clear_alert(r);
}

void
trouble_clear(struct runner *r)
{
	forget(r);
	sweep(r, is_others, &r->is_swept);
}

void
trouble_clear_gates(struct runner *r)
{
	if (is_gate(r->trouble_cause))
		forget(r);
	sweep(r, is_no_gate, &r->are_gates_swept);
}
