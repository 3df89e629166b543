#include <signal.h>

#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/links.h"
#include "system/pidfd.h"
#include "system/process.h"

#define ANSWER_MS      10000
#define ASK_SOON_MS    1000 /* most have done what they were told by then */
#define ENDINGS_PER_MS 10   /* of components: twice what a slow machine needs */

void
link_expect(struct daemon *d, struct link *l, int64_t now_ms)
{
	l->asked_ms = now_ms;
	daemon_sooner(&d->answer_ms, now_ms + ANSWER_MS);
}

static void
send_to(struct daemon *d, struct link *l, const struct message *m,
    const void *tail, size_t size)
{
	if (l->fd < 0) {
		l->behind = true;
		return;
	}
	if (message_send(l->fd, m, tail, size) == 0)
		return;
	/* It doesn't read: is it alive at all? */
	l->behind = true;
	if (l->asked_ms == 0)
		link_expect(d, l, clock_ms());
}

void
link_tell(struct daemon *d, struct link *l, enum message_type type)
{
	const struct message m = message_new(type);

	send_to(d, l, &m, NULL, 0);
}

static void
tell_want(struct daemon *d, struct link *l, bool by_operator)
{
	struct message m = message_new(MESSAGE_WANT);

	m.want = l->want;
	m.by_operator = by_operator;
	send_to(d, l, &m, NULL, 0);
}

void
link_want(struct daemon *d, struct link *l, enum component_want want,
    bool by_operator)
{
	l->want = want;
	if (l->pid == 0 && l->fork_ms == 0 && want == WANT_RUN) {
		l->fork_ms = clock_ms();
		daemon_sooner(&d->care_ms, l->fork_ms);
	}
	d->order_due = d->mode_due = true;
	tell_want(d, l, by_operator);
}

void
link_configure(struct daemon *d, struct link *l)
{
	const struct component_config *c = d->roster.components[l->member];
	const struct message m = message_new(MESSAGE_CONFIG);

	send_to(d, l, &m, c, c->size);
}

void
link_seen(struct daemon *d, struct link *l, int64_t age_ms)
{
	struct message m = message_new(MESSAGE_SEEN);

	m.age_ms = age_ms;
	send_to(d, l, &m, NULL, 0);
}

void
link_dismiss(struct daemon *d, struct link *l)
{
	struct message m = message_new(MESSAGE_DISMISS);

	l->dismissed = true;
	l->fork_ms = 0;
	if (d->phase == PHASE_ENDING)
		m.room_ms = (int64_t)d->roster.n / ENDINGS_PER_MS;
	if (l->pid != 0)
		send_to(d, l, &m, NULL, 0);
}

void
link_tell_all(struct daemon *d, struct link *l)
{
	l->behind = false;
	if (l->member < 0 || l->dismissed) {
		link_tell(d, l, MESSAGE_DISMISS);
		return;
	}
	link_configure(d, l);
	tell_want(d, l, false);
	if (l->held)
		link_tell(d, l, MESSAGE_HOLD);
	if (l->go)
		link_tell(d, l, MESSAGE_GO);
}

void
link_ask(struct daemon *d, struct link *l, int64_t now_ms)
{
	if (l->pid == 0 || l->asked_ms != 0 || l->connect_ms == INT64_MAX)
		return;
	link_expect(d, l, now_ms);
	link_tell(d, l, MESSAGE_PING);
}

void
links_ask_soon(struct daemon *d)
{
	daemon_sooner(&d->ask_ms, clock_ms() + ASK_SOON_MS);
}

static void
kill_stuck(struct daemon *d, struct link *l)
{
	char channel[PROCESS_WAIT_CHANNEL_SIZE];
	struct process p;

	process_wait_channel(l->pid, channel);
	if (process_read(l->pid, &p) < 0)
		p.state = '?';
	daemon_begin_event(d, "keeper_stuck", l->name);
	event_int(&d->event, "pid", l->pid);
	event_text(&d->event, "state", (const char[]){ p.state, '\0' });
	event_text(&d->event, "wait_channel", channel);
	event_int(&d->event, "silent_ms", clock_ms() - l->asked_ms);
	daemon_tell(d);
	log_line(&d->log,
	    "the keeper of %s (pid %d) doesn't answer (state %c "
	    "%s): killing it",
	    l->name, (int)l->pid, p.state, channel);
	l->asked_ms = 0;
	(void)pidfd_signal(l->pidfd, SIGKILL);
}

int64_t
link_judge(struct daemon *d, struct link *l, int64_t now_ms, int64_t late_ms)
{
	if (l->pid == 0 || l->asked_ms == 0)
		return 0;
	l->asked_ms += late_ms;
	if (now_ms - l->asked_ms < ANSWER_MS)
		return l->asked_ms + ANSWER_MS;
	kill_stuck(d, l);
	return 0;
}
