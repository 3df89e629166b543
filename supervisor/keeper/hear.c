#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "keeper/hear.h"
#include "keeper/reap.h"
#include "keeper/record.h"
#include "keeper/start.h"
#include "keeper/step.h"
#include "system/process.h"

struct hearing {
	struct keeper *k;
	int64_t now_ms;
	pid_t allowed; /* the last one found in the tree; 0: none */
};

/* One that has ended already can't be looked up any more; that it could reach
 * a socket which only its user and ours can open must do. */
static bool
is_in_tree(struct hearing *h, const struct notify_message *m)
{
	const struct component_config *config = h->k->config;
	struct process p;

	if (m->pid == h->allowed)
		return true;
	if (process_read(m->pid, &p) == 0) {
		if (!process_descends(m->pid, h->k->self) ||
		    m->pid == h->k->self)
			return false;
		h->allowed = m->pid;
		return true;
	}
	return m->uid == (config->has_user ? config->uid : geteuid());
}

static bool
may_speak(struct hearing *h, const struct notify_message *m)
{
	const struct keeper *k = h->k;

	if (m->pid == k->pid || m->pid == k->child)
		return true;
	return k->config->notify_access == ACCESS_TREE && is_in_tree(h, m);
}

static void
refuse(struct keeper *k)
{
	k->record.refused++;
	k->changed = true;
	if (k->notify_refused)
		return;
	k->notify_refused = true;
	record_note(k, "notification_refused",
	    "not from the main process (notify_access)");
}

/* The new main process must be of the tree; of the sender we know it. */
static void
take_main_pid(struct hearing *h, const struct notify_message *m)
{
	struct keeper *k = h->k;

	if (m->main_pid == k->pid)
		return;
	if (m->main_pid == k->self || !process_descends(m->main_pid, k->self) ||
	    reap_watch(k, m->main_pid) < 0) {
		refuse(k);
		return;
	}
	k->news = true;
}

/* WATCHDOG_USEC is half of the timeout when we tell it, so it is when we are
 * told it. */
void
hear_keep_interval(struct keeper *k)
{
	if (k->interval_ms == 0)
		return;
	if (k->interval_ms < 0) {
		k->config->heartbeat = HEARTBEAT_NONE;
		return;
	}
	k->config->heartbeat = HEARTBEAT_NOTIFY;
	k->config->heartbeat_late_ms = k->interval_ms;
	k->config->heartbeat_timeout_ms = k->interval_ms * 2;
}

static void
take_interval(struct keeper *k, int64_t usec, int64_t now_ms)
{
	int64_t ms = usec / 1000 > 0 ? usec / 1000 : 1;

	if (ms > INT64_MAX / 4)
		return;
	k->interval_ms = usec == 0 ? -1 : ms;
	hear_keep_interval(k);
	if (usec == 0 && component_excuse(&k->c, now_ms))
		record_note(k, "component_recovered", "no heartbeat is due");
	if (k->c.state == COMPONENT_RUNNING && k->c.beat_ms == 0)
		k->c.beat_ms = clock_ms();
}

static void
take_stopping(struct keeper *k, int64_t now_ms)
{
	if (k->ending_ms == 0 &&
	    (k->c.state == COMPONENT_STARTING ||
		k->c.state == COMPONENT_RUNNING))
		k->ending_ms = now_ms + k->config->stop_timeout_ms;
}

static void
extend(struct keeper *k, int64_t ms, int64_t now_ms)
{
	component_extend(&k->c, ms, now_ms);
	if (k->ending_ms != 0 && k->ending_ms < now_ms + ms)
		k->ending_ms = now_ms + ms;
}

/* Words that change how its life goes on, the last one first that ends it. */
static void
obey(struct hearing *h, const struct notify_message *m)
{
	struct keeper *k = h->k;

	if ((m->keys & NOTIFY_MAINPID) != 0)
		take_main_pid(h, m);
	if ((m->keys & NOTIFY_WATCHDOG_USEC) != 0)
		take_interval(k, m->watchdog_usec, h->now_ms);
	if ((m->keys & NOTIFY_RESET) != 0)
		component_reset(&k->c);
	if ((m->keys & NOTIFY_READY) != 0 && k->c.state == COMPONENT_STARTING &&
	    !k->c.fallback && k->config->ready == READY_NOTIFY) {
		start_look(k);
		step_event(k, EVENT_READY, NULL);
	}
	if ((m->keys & NOTIFY_STOPPING) != 0)
		take_stopping(k, h->now_ms);
	if ((m->keys & NOTIFY_EXTEND) != 0)
		extend(k, m->extend_usec / 1000 + 1, h->now_ms);
	if ((m->keys & NOTIFY_TRIGGER) != 0 &&
	    (k->c.state == COMPONENT_STARTING ||
		k->c.state == COMPONENT_RUNNING))
		step_event(k, EVENT_STUCK,
		    &(struct component_death){ .cause = CAUSE_WATCHDOG });
}

static void
hear(void *context, const struct notify_message *m)
{
	struct hearing *h = context;
	struct keeper *k = h->k;

	if (!may_speak(h, m)) {
		refuse(k);
		return;
	}
	k->changed = true;
	if ((m->keys & NOTIFY_WATCHDOG) != 0 &&
	    component_beat(&k->c, h->now_ms))
		record_note(k, "component_recovered", "heartbeat is back");
	if ((m->keys & NOTIFY_STATUS) != 0)
		(void)snprintf(k->record.status_text,
		    sizeof(k->record.status_text), "%s", m->status);
	if ((m->keys & NOTIFY_ERRNO) != 0)
		k->error = m->error;
	if ((m->keys &
		~(unsigned)(NOTIFY_WATCHDOG | NOTIFY_STATUS | NOTIFY_ERRNO)) !=
	    0)
		obey(h, m);
	/* It is about to end by itself: its heart needn't beat meanwhile. */
	if (k->ending_ms != 0)
		k->c.beat_ms = 0;
}

void
hear_drain(struct keeper *k, size_t max)
{
	struct hearing h = { .k = k, .now_ms = clock_ms() };

	(void)notify_drain(&k->notify, max, hear, &h);
}
