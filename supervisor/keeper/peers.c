#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "control/message.h"
#include "keeper/hear.h"
#include "keeper/judge.h"
#include "keeper/peers.h"
#include "keeper/record.h"
#include "keeper/start.h"
#include "keeper/step.h"
#include "system/process.h"

struct keeper_peer *
peers_add(struct keeper *k, int fd)
{
	for (int i = 0; i < KEEPER_PEERS; i++) {
		struct keeper_peer *p = &k->peers[i];

		if (p->fd >= 0)
			continue;
		*p = (struct keeper_peer){ .fd = fd };
		p->key = loop_add(&k->loop, fd, EPOLLIN, SOURCE_PEER, p);
		if (p->key == 0)
			break;
		return p;
	}
	io_close(&fd);
	return NULL;
}

static void
drop(struct keeper *k, struct keeper_peer *p)
{
	bool was_logger = p->is_logger;

	loop_remove(&k->loop, &p->key);
	io_close(&p->fd);
	*p = (struct keeper_peer){ .fd = -1 };
	if (was_logger)
		judge_watch_output(k);
}

void
peers_accept(struct keeper *k)
{
	int fd =
	    accept4(k->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (message_peer_allowed(fd, (gid_t)-1))
		(void)peers_add(k, fd);
	else
		io_close(&fd);
}

bool
peers_have_logger(const struct keeper *k)
{
	for (int i = 0; i < KEEPER_PEERS; i++)
		if (k->peers[i].fd >= 0 && k->peers[i].is_logger)
			return true;
	return false;
}

/* Sends m; one that doesn't read is told again when there is room. */
static void
tell(struct keeper *k, struct keeper_peer *p, const struct message *m,
    const void *tail, size_t size)
{
	if (message_send(p->fd, m, tail, size) == 0)
		return;
	if (errno != EAGAIN) {
		drop(k, p);
	} else if (!p->is_waiting) {
		p->is_waiting = true;
		(void)loop_change(&k->loop, p->key, EPOLLIN | EPOLLOUT);
	}
}

void
peers_tell(struct keeper *k)
{
	const struct message m = message_new(MESSAGE_STATUS);

	for (int i = 0; i < KEEPER_PEERS; i++)
		if (k->peers[i].fd >= 0 && k->peers[i].is_daemon)
			tell(
			    k, &k->peers[i], &m, &k->record, sizeof(k->record));
}

void
peers_ended(struct keeper *k)
{
	const struct message m = message_new(MESSAGE_ENDED);

	for (int i = 0; i < KEEPER_PEERS; i++)
		if (k->peers[i].fd >= 0 && k->peers[i].has_pipes)
			tell(k, &k->peers[i], &m, NULL, 0);
}

/* Gives the logger the read ends, or, when it has them, only the settings. */
static void
give_pipes(struct keeper *k, struct keeper_peer *p)
{
	struct message m = message_new(MESSAGE_PIPES);

	m.log = k->config->log;
	if (p->has_pipes)
		tell(k, p, &m, NULL, 0);
	else if (message_send_descriptors(
		     p->fd, &m, k->output.read_fd, OUTPUT_STREAMS) == 0)
		p->has_pipes = true;
	else
		drop(k, p);
}

static void
take_logger(struct keeper *k, struct keeper_peer *p)
{
	p->is_logger = true;
	judge_watch_output(k);
	if (k->has_config)
		give_pipes(k, p);
}

/* Whether orphans of ours would fall to the daemon or the guardian that are
 * there now: not when both that we were born under have died. */
static void
look_up(struct keeper *k, const struct keeper_peer *p)
{
	struct process daemon;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	bool under = true;

	if (getsockopt(p->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	    getppid() != peer.pid && process_read(peer.pid, &daemon) == 0)
		under = getppid() == daemon.ppid;
	k->record.tree = k->cgroup.fd >= 0 ? TREE_CGROUP
	    : under			   ? TREE_REAPER
					   : TREE_BEST_EFFORT;
}

static void
take_hello(struct keeper *k, struct keeper_peer *p)
{
	for (int i = 0; i < KEEPER_PEERS; i++)
		if (k->peers[i].is_daemon && &k->peers[i] != p)
			drop(k, &k->peers[i]);
	p->is_daemon = true;
	look_up(k, p);
	k->news = k->changed = true;
}

static void
apply_config(struct keeper *k)
{
	k->heartbeat = k->config->heartbeat;
	k->heartbeat_timeout_ms = k->config->heartbeat_timeout_ms;
	k->heartbeat_late_ms = k->config->heartbeat_late_ms;
	hear_keep_interval(k);
	start_prepare(k);
	judge_watch_output(k);
	for (int i = 0; i < KEEPER_PEERS; i++)
		if (k->peers[i].fd >= 0 && k->peers[i].is_logger)
			give_pipes(k, &k->peers[i]);
	k->changed = k->news = true;
}

/* A new command is tried at once, whatever was waited for with the old. */
static void
restart_changed(struct keeper *k)
{
	switch (k->c.state) {
	case COMPONENT_STARTING:
	case COMPONENT_RUNNING:
	case COMPONENT_BACKOFF:
	case COMPONENT_FAILED: step_event(k, EVENT_RESTART, NULL); break;
	case COMPONENT_STOPPED:
	case COMPONENT_WAITING:
	case COMPONENT_STOPPING: break;
	}
}

static void
take_config(struct keeper *k, size_t size)
{
	const struct component_config *new = (const void *)k->received;
	bool restart;

	if (!config_is_valid(new, size) || strcmp(new->name, k->name) != 0) {
		record_broken(
		    k, "the daemon sent a configuration that isn't one");
		return;
	}
	if (k->has_config && new->hash == k->config->hash)
		return;
	restart = k->alive && new->start_hash != k->config->start_hash;
	(void)memcpy((void *)k->config, k->received, size);
	k->has_config = true;
	apply_config(k);
	if (k->alive)
		step_reschedule(k);
	if (restart)
		restart_changed(k);
	if (!k->alive && k->has_want)
		step_begin(k);
}

static void
take_want(struct keeper *k, const struct message *m)
{
	if ((unsigned)m->want >= COMPONENT_WANTS)
		return;
	if (k->leaving)
		return;
	if (k->alive) {
		step_want(k, m->want, m->by_operator != 0);
		return;
	}
	k->want = m->want;
	k->has_want = true;
	if (k->has_config)
		step_begin(k);
}

static void
take_go(struct keeper *k)
{
	k->go = true;
	if (k->alive)
		step_event(k, EVENT_GO, NULL);
}

static void
restart(struct keeper *k)
{
	if (!k->alive || k->leaving)
		return;
	k->want = WANT_RUN;
	step_event(k, EVENT_RESTART, NULL);
}

/* The daemon holds our pipes, so that our own death loses nothing. */
static void
entrust_pipes(struct keeper *k, struct keeper_peer *p)
{
	const struct message m = message_new(MESSAGE_PIPES);

	if (p->is_daemon)
		(void)message_send_descriptors(
		    p->fd, &m, k->output.read_fd, OUTPUT_STREAMS);
}

/* Those of the keeper before us. */
static void
take_pipes(struct keeper *k, const struct keeper_peer *p, int *fds, size_t n)
{
	if (p->is_daemon && !k->has_config && n == OUTPUT_STREAMS) {
		(void)output_take_over(&k->output, fds);
		return;
	}
	for (size_t i = 0; i < n; i++)
		io_close(&fds[i]);
}

static void
take(struct keeper *k, struct keeper_peer *p, const struct message *m,
    size_t size)
{
	const struct message pong = message_new(MESSAGE_PONG);

	switch (m->type) {
	case MESSAGE_HELLO: take_hello(k, p); break;
	case MESSAGE_CONFIG: take_config(k, size); break;
	case MESSAGE_WANT: take_want(k, m); break;
	case MESSAGE_GO: take_go(k); break;
	case MESSAGE_HOLD:
		if (k->alive)
			step_event(k, EVENT_HOLD, NULL);
		break;
	case MESSAGE_RELEASE:
		if (k->alive)
			step_event(k, EVENT_RELEASE, NULL);
		break;
	case MESSAGE_RESTART: restart(k); break;
	case MESSAGE_SEEN: judge_seen(k, m->age_ms); break;
	case MESSAGE_PING: tell(k, p, &pong, NULL, 0); break;
	case MESSAGE_KEEP: entrust_pipes(k, p); break;
	case MESSAGE_DISMISS: step_leave(k, m->room_ms); break;
	case MESSAGE_OUTPUT: take_logger(k, p); break;
	case MESSAGE_STATUS:
	case MESSAGE_PONG:
	case MESSAGE_ENDED:	   /* ours to send */
	case MESSAGE_PIPES: break; /* its descriptors were taken */
	}
}

/* What couldn't be told for want of room: the daemon wants the newest. */
static void
tell_again(struct keeper *k, struct keeper_peer *p)
{
	p->is_waiting = false;
	(void)loop_change(&k->loop, p->key, EPOLLIN);
	if (p->is_daemon)
		k->news = true;
	else if (p->has_pipes)
		peers_ended(k);
}

void
peers_serve(struct keeper *k, struct keeper_peer *p, uint32_t events)
{
	int fds[MESSAGE_DESCRIPTORS];
	struct message m;
	size_t nfds;
	ssize_t n;

	if ((events & EPOLLOUT) != 0 && p->is_waiting)
		tell_again(k, p);
	while (p->fd >= 0) {
		n = message_receive(
		    p->fd, &m, k->received, sizeof(k->received), fds, &nfds);
		if (n >= 0) {
			take_pipes(k, p, fds, nfds);
			take(k, p, &m, (size_t)n);
			continue;
		}
		if (errno != EAGAIN)
			drop(k, p);
		return;
	}
}
