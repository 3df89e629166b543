#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "daemon/births.h"
#include "daemon/daemon.h"
#include "daemon/links.h"
#include "daemon/memory.h"
#include "system/lock.h"
#include "system/pidfd.h"
#include "system/rundir.h"

#define SLAB		 16
#define CONNECT_AGAIN_MS 100

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
	*l = (struct link){ .member = member,
		.pidfd = -1,
		.fd = -1,
		.pipes = { -1, -1 },
		.fork_ms = fork_ms };
	(void)memccpy(l->name, name, '\0', sizeof(l->name) - 1);
	return l;
}

void
link_disconnect(struct daemon *d, struct link *l)
{
	loop_remove(&d->loop, &l->fd_key);
	io_close(&l->fd);
	l->heard = false;
	l->connect_ms = clock_ms() + CONNECT_AGAIN_MS;
	daemon_sooner(&d->care_ms, l->connect_ms);
}

void
link_forget_keeper(struct daemon *d, struct link *l)
{
	link_disconnect(d, l);
	loop_remove(&d->loop, &l->pidfd_key);
	io_close(&l->pidfd);
	l->pid = 0;
	l->asked_ms = l->connect_ms = 0;
}

void
link_free(struct daemon *d, struct link *l)
{
	link_forget_keeper(d, l);
	for (size_t i = 0; i < MESSAGE_DESCRIPTORS; i++)
		io_close(&l->pipes[i]);
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
	TAILQ_FOREACH_SAFE (l, &d->leaving, entry, next)
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
	link_expect(d, l, l->born_ms);
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
