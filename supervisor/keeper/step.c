#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "keeper/evidence.h"
#include "keeper/peers.h"
#include "keeper/record.h"
#include "keeper/start.h"
#include "keeper/step.h"
#include "system/pidfd.h"
#include "system/process.h"
#include "system/tree.h"

#define NO_EVENT (-1)
#define HOLD_MS	 20 /* most have obeyed by then */

/* Enough for a spread of 10 %: xorshift, seeded at birth. */
static uint32_t
random_number(struct keeper *k)
{
	k->random = k->random == 0 ? 1 : k->random;
	k->random ^= k->random << 13;
	k->random ^= k->random >> 17;
	k->random ^= k->random << 5;
	return k->random;
}

/* The next time that schedule.daily names, on the monotonic clock. */
static int64_t
next_daily_ms(const struct component_config *config, int64_t now_ms)
{
	time_t now = time(NULL), then;
	struct tm tm;

	if (config->schedule_daily_min < 0 || localtime_r(&now, &tm) == NULL)
		return 0;
	tm.tm_hour = config->schedule_daily_min / 60;
	tm.tm_min = config->schedule_daily_min % 60;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	then = mktime(&tm);
	if (then <= now) {
		tm.tm_mday++;
		tm.tm_isdst = -1;
		then = mktime(&tm);
	}
	return now_ms + (int64_t)(then - now) * 1000;
}

static int
signal_main(const struct keeper *k, int signal)
{
	if (k->main_fd >= 0)
		return pidfd_signal(k->main_fd, signal);
	if (k->pid == 0) {
		errno = ESRCH;
		return -1;
	}
	return kill(k->pid, signal); /* our child: its number is its own */
}

/* Where nobody may signal it, there is no use in waiting for it to obey. */
static int
signal_to_stop(struct keeper *k, int signal)
{
	if (signal_main(k, signal) < 0 && errno == EPERM) {
		k->refused_pid = k->pid;
		return EVENT_TIMEOUT;
	}
	(void)signal_main(k, SIGCONT);
	return NO_EVENT;
}

/* Who is it that survives? The first of the tree, from its root on. */
static void
find_survivor(void *context, pid_t pid)
{
	struct status_record *r = context;
	struct process p;

	if (r->unkillable_pid != 0 || process_read(pid, &p) < 0 ||
	    p.state == 'Z')
		return;
	r->unkillable_pid = pid;
	process_wait_channel(pid, r->wait_channel);
}

static void
name_survivor(struct keeper *k)
{
	k->record.unkillable_pid = 0;
	if (k->refused_pid != 0)
		find_survivor(&k->record, k->refused_pid);
	else
		(void)tree_walk(k->self, find_survivor, &k->record);
}

/* Returns the event that follows: one that may not be signalled at all is
 * unkillable at once. */
static int
kill_tree(struct keeper *k)
{
	struct tree_report report;

	if (k->cgroup.fd < 0 || cgroup_is_empty(&k->cgroup) ||
	    cgroup_kill(&k->cgroup) < 0) {
		/* Without a cgroup, or out of it. */
		if (tree_kill(NULL, NULL, &report) < 0)
			record_broken(k, "can't read /proc");
		else
			k->refused_pid = report.refused;
	}
	if (k->c.unkillable)
		name_survivor(k);
	return k->refused_pid != 0 && k->c.killed && !k->c.unkillable
	    ? EVENT_TIMEOUT
	    : NO_EVENT;
}

void
step_kill(struct keeper *k)
{
	if (kill_tree(k) != NO_EVENT)
		step_event(k, EVENT_TIMEOUT, NULL);
}

static int
clear(struct keeper *k)
{
	if (k->childless)
		return EVENT_EMPTY;
	if (k->c.death.cause != CAUSE_OPERATOR)
		evidence_snapshot(k);
	return kill_tree(k);
}

/* Does what the table says. Returns the event that follows from it. */
static int
perform(
    struct keeper *k, enum component_action action, struct component_input *in)
{
	switch (action) {
	case ACT_IMPOSSIBLE:
	case ACT_NOTHING: break;
	case ACT_SPAWN:
		return start_now(k, &in->death) < 0 ? EVENT_EXIT : NO_EVENT;
	case ACT_STOP:
		/* One that didn't become ready: what is it waiting for? */
		if (k->c.death.cause != CAUSE_OPERATOR) {
			evidence_snapshot(k);
			output_keep(&k->output);
		}
		k->hold_ms = in->now_ms + HOLD_MS;
		return signal_to_stop(k, k->config->stop_signal);
	case ACT_ABORT:
		evidence_snapshot(k);
		output_keep(&k->output);
		return signal_to_stop(k, k->config->watchdog_signal);
	case ACT_CLEAR: return clear(k);
	case ACT_KILL: return kill_tree(k);
	}
	return NO_EVENT;
}

static const char *
reason_of(const struct keeper *k, const char *event)
{
	if (strcmp(event, "component_unkillable") != 0)
		return NULL; /* what the death says */
	return k->refused_pid != 0 ? "it may not be signalled (EPERM)"
				   : "it survived SIGKILL for 5s";
}

/* One event. Returns the one that follows from it. */
static int
take(struct keeper *k, enum component_event event, struct component_input *in)
{
	struct component_result r = component_step(&k->c, k->config, event, in);
	int next;

	if (r.action == ACT_IMPOSSIBLE) {
		record_broken(k, component_event_name(event));
		return NO_EVENT;
	}
	next = perform(k, r.action, in);
	if (event == EVENT_EMPTY) {
		k->record.unkillable_pid = 0;
		peers_ended(k);
	}
	if (r.event != NULL)
		record_note(k, r.event, reason_of(k, r.event));
	return next;
}

void
step_event(struct keeper *k, enum component_event event,
    const struct component_death *death)
{
	struct component_input in = { .now_ms = clock_ms(),
		.random = random_number(k),
		.want = k->want };
	int next = (int)event;

	if (death != NULL)
		in.death = *death;
	in.next_daily_ms = next_daily_ms(k->config, in.now_ms);
	while (next != NO_EVENT)
		next = take(k, (enum component_event)next, &in);
	k->changed = k->news = true;
}

void
step_reschedule(struct keeper *k)
{
	component_reschedule(
	    &k->c, k->config, next_daily_ms(k->config, clock_ms()));
}

void
step_want(struct keeper *k, enum component_want want, bool by_operator)
{
	k->want = want;
	if (want != WANT_RUN) {
		if (k->c.want != want)
			step_event(k, EVENT_STOP, NULL);
	} else if (by_operator) {
		step_event(k, EVENT_START, NULL);
	} else if (k->c.want != WANT_RUN) {
		/* What is wanted already isn't wanted twice: one that is done
		 * stays done when a new daemon repeats its words. */
		step_event(k, EVENT_RUN, NULL);
	}
}

void
step_begin(struct keeper *k)
{
	enum component_want want = k->want;

	k->alive = true;
	k->changed = k->news = true;
	if (!k->inherited) {
		component_init(&k->c, want, clock_ms());
	} else {
		/* The order of this start of the fleet is the daemon's. */
		k->old.go = k->old.held = false;
		component_inherit(&k->c, &k->old, clock_ms());
		if (k->c.death.cause == CAUSE_KEEPER && k->c.died)
			record_note(k, "component_crashed", NULL);
		step_want(k, want, false);
		if (k->c.state == COMPONENT_STOPPING)
			step_event(k, EVENT_EMPTY, NULL);
	}
	if (k->go)
		step_event(k, EVENT_GO, NULL);
}

void
step_leave(struct keeper *k, int64_t room_ms)
{
	k->leaving = true;
	if (k->want == WANT_RUN)
		k->want = WANT_STOP;
	if (k->alive && k->c.state != COMPONENT_STOPPED)
		step_event(k, EVENT_STOP, NULL);
	if (room_ms <= 0 || k->c.state != COMPONENT_STOPPING || k->deaf_ms != 0)
		return;
	k->deaf_ms = clock_ms() + room_ms;
	k->hold_ms = k->deaf_ms + HOLD_MS;
	(void)loop_hear_signals(&k->loop, false);
}
