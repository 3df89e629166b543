#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "daemon/births.h"
#include "daemon/daemon.h"
#include "daemon/links.h"
#include "daemon/memory.h"
#include "system/lock.h"
#include "system/pidfd.h"
#include "system/process.h"
#include "system/rundir.h"
#include "system/status.h"
#include "system/sweep.h"

#define SLAB		 128
#define ANSWER_MS	 10000
#define CONNECT_AGAIN_MS 100
#define JUDGE_AFTER_MS	 1000 /* restarts that come at once are done by then */
#define YOUNG_MS	 1000 /* a keeper that dies as young, ... */
#define EARLY_MAX	 2    /* ... once too often, has to wait as long */

/* A slab of links, which are used again and never given back. */
static int
make_spares(struct daemon *d)
{
	struct link *slab = memory_new(SLAB, sizeof(*slab));

	if (slab == NULL)
		return -1;
	for (size_t i = 0; i < SLAB; i++)
		TAILQ_INSERT_TAIL(&d->spare_links, &slab[i], entry);
	return 0;
}

struct link *
link_new(struct daemon *d, const char *name, int member, int64_t fork_ms)
{
	struct link *l;

	if (TAILQ_EMPTY(&d->spare_links) && make_spares(d) < 0)
		return NULL;
	l = TAILQ_FIRST(&d->spare_links);
	TAILQ_REMOVE(&d->spare_links, l, entry);
	*l = (struct link){
		.member = member, .pidfd = -1, .fd = -1, .fork_ms = fork_ms
	};
	(void)memccpy(l->name, name, '\0', sizeof(l->name) - 1);
	return l;
}

static void
disconnect(struct daemon *d, struct link *l)
{
	loop_remove(&d->loop, &l->fd_key);
	io_close(&l->fd);
	l->heard = false;
}

void
link_forget_keeper(struct daemon *d, struct link *l)
{
	disconnect(d, l);
	loop_remove(&d->loop, &l->pidfd_key);
	io_close(&l->pidfd);
	l->pid = 0;
	l->asked_ms = l->connect_ms = 0;
}

void
link_free(struct daemon *d, struct link *l)
{
	link_forget_keeper(d, l);
	TAILQ_INSERT_HEAD(&d->spare_links, l, entry);
}

struct link *
links_by_pid(struct daemon *d, pid_t pid)
{
	struct link *l;

	for (size_t i = 0; i < d->roster.n; i++)
		if (d->links[i]->pid == pid)
			return d->links[i];
	TAILQ_FOREACH (l, &d->leaving, entry)
		if (l->pid == pid)
			return l;
	return NULL;
}

void
links_each(struct daemon *d,
    void (*visit)(struct daemon *d, struct link *l, int64_t ms), int64_t ms)
{
	struct link *l, *next;

	for (size_t i = 0; i < d->roster.n; i++)
		visit(d, d->links[i], ms);
	TAILQ_FOREACH_SAFE(l, &d->leaving, entry, next)
	visit(d, l, ms);
}

int
link_watch(struct daemon *d, struct link *l)
{
	if (l->pid != 0 && l->pidfd < 0)
		l->pidfd = pidfd_get(l->pid);
	if (l->pidfd >= 0)
		l->pidfd_key =
		    loop_add(&d->loop, l->pidfd, EPOLLIN, SOURCE_KEEPER_END, l);
	if (l->fd >= 0)
		l->fd_key =
		    loop_add(&d->loop, l->fd, EPOLLIN, SOURCE_KEEPER, l);
	return (l->pid != 0 && l->pidfd_key == 0) ||
		(l->fd >= 0 && l->fd_key == 0)
	    ? -1
	    : 0;
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
	if (l->asked_ms == 0) {
		l->asked_ms = clock_ms();
		daemon_sooner(&d->answer_ms, l->asked_ms + ANSWER_MS);
	}
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
	l->dismissed = true;
	l->fork_ms = 0;
	if (l->pid != 0)
		link_tell(d, l, MESSAGE_DISMISS);
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

/* The listening socket of a keeper that this daemon didn't fork. */
static void
connect_to(struct daemon *d, struct link *l, int64_t now_ms)
{
	int dirfd = rundir_open_component(d->rundir, l->name);
	int fd = -1;

	if (dirfd >= 0)
		fd = rundir_connect(
		    dirfd, "keeper", SOCK_SEQPACKET | SOCK_NONBLOCK);
	io_close(&dirfd);
	if (fd >= 0)
		l->fd_key = loop_add(&d->loop, fd, EPOLLIN, SOURCE_KEEPER, l);
	if (l->fd_key == 0) {
		io_close(&fd);
		l->connect_ms = now_ms + CONNECT_AGAIN_MS;
		daemon_sooner(&d->care_ms, l->connect_ms);
		return;
	}
	l->fd = fd;
	l->connect_ms = 0;
	link_tell(d, l, MESSAGE_HELLO);
}

int
link_adopt(struct daemon *d, struct link *l, pid_t pid)
{
	int dirfd;
	pid_t holder = 0;

	l->pid = pid;
	l->ours = false;
	l->fork_ms = 0;
	l->born_ms = clock_ms();
	if (link_watch(d, l) == 0) {
		dirfd = rundir_open_component(d->rundir, l->name);
		holder = dirfd < 0 ? 0 : lock_holder(dirfd, "lock");
		io_close(&dirfd);
	}
	/* Only now is it certain that the descriptor holds the right one. */
	if (holder != pid) {
		link_forget_keeper(d, l);
		l->fork_ms = l->member < 0 ? 0 : l->born_ms;
		return -1;
	}
	l->asked_ms = l->born_ms;
	daemon_sooner(&d->answer_ms, l->asked_ms + ANSWER_MS);
	connect_to(d, l, l->born_ms);
	return 0;
}

void
link_care(struct daemon *d, struct link *l, int64_t now_ms)
{
	if (l->pid == 0 && l->fork_ms != 0) {
		/* What it waits for brings us here again when it comes. */
		if (!births_may(d, l))
			return;
		if (l->fork_ms <= now_ms)
			births_fork(d, l, now_ms);
		if (l->pid == 0)
			daemon_sooner(&d->care_ms, l->fork_ms);
	} else if (l->pid != 0 && l->fd < 0 && l->connect_ms != INT64_MAX) {
		if (l->connect_ms <= now_ms)
			connect_to(d, l, now_ms);
		if (l->fd < 0)
			daemon_sooner(&d->care_ms, l->connect_ms);
	}
}

/* What an adopted keeper must be told, from what it knows already. */
static void
settle(struct daemon *d, struct link *l, const struct status_record *r)
{
	const struct component *c = &d->members[l->member].component;

	if (r->config_hash != d->roster.components[l->member]->hash)
		link_configure(d, l);
	if (c->want != l->want)
		tell_want(d, l, false);
	if (c->held && !l->held)
		link_tell(d, l, MESSAGE_RELEASE);
	if (c->go)
		l->go = true;
	else if (l->go)
		link_tell(d, l, MESSAGE_GO);
}

static void
take_status(struct daemon *d, struct link *l, const struct status_record *r)
{
	struct fleet_member *m;
	uint32_t deaths;
	bool first = !l->heard;

	l->heard = true;
	if (l->member < 0 || r->blob_size != sizeof(m->component))
		return;
	m = &d->members[l->member];
	deaths = m->component.ndeaths;
	(void)memcpy(&m->component, r->blob, sizeof(m->component));
	fleet_note(m, clock_ms());
	d->order_due = d->mode_due = true;
	if (m->component.ndeaths != deaths || m->held)
		daemon_sooner(&d->circuits_ms, clock_ms() + JUDGE_AFTER_MS);
	if (first && !l->ours && !l->dismissed)
		settle(d, l, r);
}

/* A keeper of another build: its component is ended with it, and begins anew
 * under one of ours. */
static void
replace(struct daemon *d, struct link *l)
{
	log_line(&d->log,
	    "the keeper of %s (pid %d) is of another version: "
	    "replacing it",
	    l->name, (int)l->pid);
	(void)pidfd_signal(l->pidfd, SIGTERM);
	disconnect(d, l);
	l->connect_ms = INT64_MAX;
	l->asked_ms = 0;
}

void
link_hear(struct daemon *d, struct link *l)
{
	struct status_record record;
	struct message m;
	ssize_t n;

	while ((n = message_receive(l->fd, &m, &record, sizeof(record))) >= 0) {
		l->asked_ms = 0;
		if (m.type == MESSAGE_STATUS && n == sizeof(record))
			take_status(d, l, &record);
		if (l->behind)
			link_tell_all(d, l);
	}
	if (errno == EPROTO || errno == EMSGSIZE) {
		replace(d, l);
	} else if (errno != EAGAIN) {
		/* Its end follows; if it doesn't, it is found again. */
		disconnect(d, l);
		l->connect_ms = clock_ms() + CONNECT_AGAIN_MS;
		daemon_sooner(&d->care_ms, l->connect_ms);
	}
}

static void
tell_death(struct daemon *d, const struct link *l, int status)
{
	daemon_begin_event(d, "keeper_died", l->name);
	event_int(&d->event, "pid", l->pid);
	if (status >= 0 && WIFSIGNALED(status))
		event_int(&d->event, "signal", WTERMSIG(status));
	else if (status >= 0)
		event_int(&d->event, "exit", WEXITSTATUS(status));
	daemon_tell(d);
}

/* Whether it ended as told: dismissed, or by a SIGTERM of somebody's. */
static bool
ended_well(const struct daemon *d, const struct link *l, int status)
{
	const struct component *c;

	if (status >= 0)
		return WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (l->dismissed || l->member < 0)
		return true;
	c = &d->members[l->member].component;
	return c->state == COMPONENT_STOPPED && c->want != WANT_RUN;
}

/* Until a new keeper tells more. */
static void
note_absence(struct daemon *d, struct link *l, int64_t now_ms)
{
	struct fleet_member *m = &d->members[l->member];

	m->component.state =
	    l->want == WANT_RUN ? COMPONENT_WAITING : COMPONENT_STOPPED;
	m->component.want = l->want;
	m->component.done = false;
	fleet_note(m, now_ms);
	d->order_due = d->mode_due = true;
}

/* Its component is of no configuration any more, or will have another link. */
static void
part(struct daemon *d, struct link *l)
{
	size_t i = roster_find(&d->roster, l->name);

	if (i == d->roster.n) {
		(void)sweep_component(d->rundir, l->name);
	} else {
		d->links[i]->bereaved = true;
		daemon_sooner(&d->care_ms, clock_ms());
	}
	TAILQ_REMOVE(&d->leaving, l, entry);
	link_free(d, l);
}

void
link_ended(struct daemon *d, struct link *l, int status)
{
	int64_t now_ms = clock_ms();
	bool well = ended_well(d, l, status);
	bool young = l->ours && now_ms - l->born_ms < YOUNG_MS;
	bool replaced = l->connect_ms == INT64_MAX;

	l->early = young && !well ? l->early + 1 : 0;
	if (!well)
		tell_death(d, l, status);
	link_forget_keeper(d, l);
	d->clear_due = l->bereaved = true;
	if (l->member < 0) {
		part(d, l);
		return;
	}
	/* SIGTERM to a keeper is "stop", until somebody says "start". */
	if (well && !l->dismissed && !replaced)
		l->want = WANT_STOP;
	else if (!l->dismissed)
		l->fork_ms = now_ms + (l->early > EARLY_MAX ? YOUNG_MS : 0);
	daemon_sooner(&d->care_ms, l->fork_ms);
	note_absence(d, l, now_ms);
}

void
link_over(struct daemon *d, struct link *l)
{
	int status = -1;

	if (l->ours && waitpid(l->pid, &status, WNOHANG) != l->pid)
		return; /* SIGCHLD is on its way */
	link_ended(d, l, status);
}

void
link_ask(struct daemon *d, struct link *l, int64_t now_ms)
{
	if (l->pid == 0 || l->asked_ms != 0 || l->connect_ms == INT64_MAX)
		return;
	l->asked_ms = now_ms;
	daemon_sooner(&d->answer_ms, now_ms + ANSWER_MS);
	link_tell(d, l, MESSAGE_PING);
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
