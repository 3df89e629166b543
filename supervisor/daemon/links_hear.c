#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "daemon/circuits.h"
#include "daemon/daemon.h"
#include "daemon/links.h"
#include "system/pidfd.h"
#include "system/rundir.h"
#include "system/status.h"
#include "system/sweep.h"

#define YOUNG_MS  1000 /* a keeper that dies as young, ... */
#define EARLY_MAX 2    /* ... once too often, has to wait as long */

/* What an adopted keeper must be told, from what it knows already. */
static void
settle(struct daemon *d, struct link *l, const struct status_record *r)
{
	const struct component *c = &d->members[l->member].component;

	if (r->config_hash != d->roster.components[l->member]->hash)
		link_configure(d, l);
	if (c->want != l->want)
		link_want(d, l, l->want, false);
	if (c->held && !l->held)
		circuits_inherit(d, (size_t)l->member);
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
	if (first)
		link_tell(d, l, MESSAGE_KEEP);
	if (l->member < 0 || r->blob_size != sizeof(m->component))
		return;
	m = &d->members[l->member];
	deaths = m->component.ndeaths;
	(void)memcpy(&m->component, r->blob, sizeof(m->component));
	fleet_note(m, clock_ms());
	d->order_due = d->mode_due = true;
	circuits_heed(d, (size_t)l->member, m->component.ndeaths != deaths);
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
	link_disconnect(d, l);
	l->connect_ms = INT64_MAX;
	l->asked_ms = 0;
}

static void
take_pipes(struct link *l, const struct message *m, int *fds, size_t n)
{
	bool all = m->type == MESSAGE_PIPES && n == MESSAGE_DESCRIPTORS;

	for (size_t i = 0; i < n; i++) {
		io_close(all ? &l->pipes[i] : &fds[i]);
		if (all)
			l->pipes[i] = fds[i];
	}
}

void
link_hear(struct daemon *d, struct link *l)
{
	int fds[MESSAGE_DESCRIPTORS];
	struct status_record record;
	struct message m;
	size_t nfds;
	ssize_t n;

	while ((n = message_receive(
		    l->fd, &m, &record, sizeof(record), fds, &nfds)) >= 0) {
		l->asked_ms = 0;
		take_pipes(l, &m, fds, nfds);
		if (m.type == MESSAGE_STATUS && n == sizeof(record))
			take_status(d, l, &record);
		if (l->behind)
			link_tell_all(d, l);
	}
	if (errno == EPROTO || errno == EMSGSIZE) {
		replace(d, l);
	} else if (errno != EAGAIN) {
		/* Its end follows; if it doesn't, it is found again. */
		link_disconnect(d, l);
	}
}

/* The record is that of the dead one, unless it died before its first. */
static void
begin_death(struct daemon *d, const char *name, pid_t pid,
    const struct status_record *r)
{
	daemon_begin_event(d, "keeper_died", name);
	if (r->keeper_pid == pid)
		event_identify(&d->event, r->death_id);
	event_int(&d->event, "pid", pid);
}

static void
tell_death(struct daemon *d, const struct link *l, int status)
{
	struct status_record r = { .keeper_pid = 0 };
	int dirfd = rundir_open_component(d->rundir, l->name);

	if (dirfd >= 0 && status_read(dirfd, &r) < 0)
		r.keeper_pid = 0;
	io_close(&dirfd);
	begin_death(d, l->name, l->pid, &r);
	if (status >= 0 && WIFSIGNALED(status))
		event_int(&d->event, "signal", WTERMSIG(status));
	else if (status >= 0)
		event_int(&d->event, "exit", WEXITSTATUS(status));
	daemon_tell(d);
}

void
links_tell_missed(struct daemon *d, const char *name, int dirfd)
{
	struct status_record r;

	if (status_read(dirfd, &r) < 0 || r.keeper_pid == 0)
		return;
	begin_death(d, name, r.keeper_pid, &r);
	event_text(&d->event, "cause", "died while there was no daemon");
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
	/* One that said goodbye had nothing left below it. */
	l->bereaved = status != 0;
	d->clear_due = d->clear_due || l->bereaved;
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
