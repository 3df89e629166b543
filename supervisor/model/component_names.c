/* The words of component.h, as they stand in configuration and output. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "model/component.h"

const char *
component_state_name(enum component_state state)
{
	static const char *const names[COMPONENT_STATES] = {
		[COMPONENT_STOPPED] = "stopped",
		[COMPONENT_WAITING] = "waiting",
		[COMPONENT_STARTING] = "starting",
		[COMPONENT_RUNNING] = "running",
		[COMPONENT_STOPPING] = "stopping",
		[COMPONENT_BACKOFF] = "backoff",
		[COMPONENT_FAILED] = "failed",
	};
	return names[state];
}

const char *
component_want_name(enum component_want want)
{
	static const char *const names[COMPONENT_WANTS] = {
		[WANT_RUN] = "running",
		[WANT_STOP] = "stopped",
		[WANT_PAUSE] = "paused",
		[WANT_DRAIN] = "draining",
	};
	return names[want];
}

const char *
component_event_name(enum component_event event)
{
	static const char *const names[COMPONENT_EVENTS] = {
		[EVENT_RUN] = "run",
		[EVENT_START] = "start",
		[EVENT_STOP] = "stop",
		[EVENT_RESTART] = "restart",
		[EVENT_GO] = "go",
		[EVENT_HOLD] = "hold",
		[EVENT_RELEASE] = "release",
		[EVENT_READY] = "ready",
		[EVENT_STUCK] = "stuck",
		[EVENT_EXIT] = "exit",
		[EVENT_EMPTY] = "empty",
		[EVENT_TIMEOUT] = "timeout",
	};
	return names[event];
}

const char *
component_cause_name(enum component_cause cause)
{
	static const char *const names[COMPONENT_CAUSES] = {
		[CAUSE_NONE] = "none",
		[CAUSE_EXIT] = "exit",
		[CAUSE_SIGNAL] = "signal",
		[CAUSE_START_FAILED] = "start-failed",
		[CAUSE_START_TIMEOUT] = "start-timeout",
		[CAUSE_STUCK] = "stuck",
		[CAUSE_WATCHDOG] = "watchdog",
		[CAUSE_KEEPER] = "keeper",
		[CAUSE_OPERATOR] = "operator",
	};
	return names[cause];
}

const char *
component_circuit_name(enum component_circuit circuit)
{
	static const char *const names[] = {
		[CIRCUIT_CLOSED] = "closed",
		[CIRCUIT_OPEN] = "open",
		[CIRCUIT_HALF_OPEN] = "half-open",
	};
	return names[circuit];
}

void
component_describe_death(
    char *buf, size_t size, const struct component_death *death)
{
	const char *signal;

	switch (death->cause) {
	case CAUSE_NONE: (void)snprintf(buf, size, "never died"); break;
	case CAUSE_EXIT:
		(void)snprintf(buf, size, "exit %d", death->code);
		break;
	case CAUSE_SIGNAL:
		signal = sigdescr_np(death->code);
		(void)snprintf(buf, size, "signal %d (%s)", death->code,
		    signal != NULL ? signal : "unknown");
		break;
	case CAUSE_START_FAILED:
		(void)snprintf(buf, size, "cannot start: %s",
		    strerrordesc_np(death->error));
		break;
	case CAUSE_START_TIMEOUT:
		(void)snprintf(buf, size, "not ready in time");
		break;
	case CAUSE_STUCK: (void)snprintf(buf, size, "no heartbeat"); break;
	case CAUSE_WATCHDOG:
		(void)snprintf(buf, size, "it reported itself as stuck");
		break;
	case CAUSE_KEEPER: (void)snprintf(buf, size, "its keeper died"); break;
	case CAUSE_OPERATOR: (void)snprintf(buf, size, "asked for"); break;
	}
}
