#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agents/logger/discover.h"
#include "agents/logger/logger.h"
#include "agents/logger/source.h"
#include "base/io.h"
#include "control/message.h"
#include "system/rundir.h"

#define RETRY_MS     10
#define RETRY_MAX_MS 5000
#define OLD_PIPES_MS 5000 /* how long pipes outlive their keeper */

/* Until its keeper says what holds for it. */
static const struct config_log default_log = { .size = 10 * 1024 * 1024,
	.keep = 5 };

static bool
has_streams(const struct source *source)
{
	return source->streams[0].fd >= 0 || source->streams[1].fd >= 0;
}

/* A keeper that isn't there is not asked for ever where inotify tells of the
 * next one. */
static void
retry_later(struct logger *l, struct source *source, bool absent)
{
	bool last =
	    absent && source->watch >= 0 && source->backoff_ms >= RETRY_MAX_MS;

	logger_retry(l, source, last ? 0 : l->now_ms + source->backoff_ms);
	source->backoff_ms *= 2;
	if (source->backoff_ms > RETRY_MAX_MS)
		source->backoff_ms = RETRY_MAX_MS;
}

static void
disconnect(struct logger *l, struct source *source)
{
	loop_remove(&l->loop, &source->key);
	io_close(&source->fd);
}

/* The connection is lost. What is in the old pipes comes first; then they are
 * at their end, because the tree died with its keeper. */
static void
lose(struct logger *l, struct source *source)
{
	disconnect(l, source);
	if (!has_streams(source)) {
		retry_later(l, source, false);
		return;
	}
	logger_retry(l, source, l->now_ms + OLD_PIPES_MS);
	for (int i = 0; i < 2; i++)
		if (source->streams[i].fd >= 0)
			logger_wait(l, &source->streams[i], WAIT_TURN);
}

/* Asks the keeper for the pipes. Returns 0, or -1 with errno. */
static int
ask(struct logger *l, struct source *source, int dirfd)
{
	struct message m = message_new(MESSAGE_OUTPUT);

	source->fd = rundir_connect(
	    dirfd, "keeper", SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (source->fd < 0)
		return -1;
	source->key = loop_add(
	    &l->loop, source->fd, EPOLLIN | EPOLLRDHUP, KIND_KEEPER, source);
	if (source->key == 0 || message_send(source->fd, &m, NULL, 0) < 0) {
		disconnect(l, source);
		return -1;
	}
	return 0;
}

static void
reach(struct logger *l, struct source *source)
{
	int dirfd = rundir_open_component(l->rundir, source->name);

	if (dirfd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		source_free(l, source);
		return;
	}
	/* The watch comes first, so that no socket appears unseen. */
	if (dirfd >= 0)
		discover_watch(l, source, dirfd);
	if (dirfd >= 0 && ask(l, source, dirfd) == 0) {
		discover_unwatch(l, source);
		logger_retry(l, source, 0);
	} else {
		retry_later(
		    l, source, errno == ECONNREFUSED || errno == ENOENT);
	}
	io_close(&dirfd);
}

int
source_new(struct logger *l, const char *name)
{
	struct source *source = calloc(1, sizeof(*source));

	if (source == NULL)
		return -1;
	(void)memcpy(source->name, name, strnlen(name, TEXT_NAME_MAX));
	source->fd = source->watch = -1;
	source->backoff_ms = RETRY_MS;
	source->log = default_log;
	for (int i = 0; i < 2; i++)
		source->streams[i] = (struct stream){ .wait = WAIT_NOTHING,
			.mark = i == 0 ? LINE_STDOUT : LINE_STDERR,
			.source = source,
			.fd = -1 };
	LIST_INSERT_HEAD(&l->sources, source, entry);
	reach(l, source);
	return 0;
}

static void
close_stream(struct logger *l, struct stream *s)
{
	logger_wait(l, s, WAIT_NOTHING);
	logger_recover(l, s);
	loop_remove(&l->loop, &s->key);
	io_close(&s->fd);
}

void
source_free(struct logger *l, struct source *source)
{
	for (int i = 0; i < 2; i++)
		close_stream(l, &source->streams[i]);
	disconnect(l, source);
	discover_unwatch(l, source);
	LIST_REMOVE(source, entry);
	free(source);
}

void
source_retry(struct logger *l, struct source *source)
{
	source->retry_ms = 0;
	if (source->fd >= 0)
		return;
	if (!has_streams(source)) {
		reach(l, source);
		return;
	}
	/* Somebody escaped from the dead keeper's tree and may write yet: what
	 * is there is still taken, and then those pipes are left alone. */
	for (int i = 0; i < 2; i++) {
		struct stream *s = &source->streams[i];

		if (s->fd < 0)
			continue;
		if (s->wait == WAIT_EVENT) {
			close_stream(l, s);
		} else {
			s->flush = true;
			if (s->wait == WAIT_PARTIAL)
				logger_wait(l, s, WAIT_TURN);
		}
	}
	logger_retry(l, source,
	    l->now_ms + (has_streams(source) ? OLD_PIPES_MS : RETRY_MS));
}

void
source_end_stream(struct logger *l, struct stream *s)
{
	struct source *source = s->source;

	close_stream(l, s);
	if (source->fd < 0 && !has_streams(source))
		reach(l, source);
}

static void
attach(struct logger *l, struct stream *s, int fd)
{
	close_stream(l, s);
	if (stream_attach(s, &l->desk, fd) < 0)
		return;
	s->key = loop_add(
	    &l->loop, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, KIND_STREAM, s);
	if (s->key == 0) {
		log_line(&l->log, "%s: cannot watch its output: %s",
		    s->source->name, strerror(errno));
		io_close(&s->fd);
		return;
	}
	logger_wait(l, s, WAIT_TURN);
}

/* Says once what is wrong with the connection. */
static void
complain(struct logger *l, struct source *source, const char *what)
{
	if (!source->complained)
		log_line(&l->log, "%s: cannot be logged: %s; it is tried again",
		    source->name, what);
	source->complained = true;
}

/* Without descriptors it only tells of a changed configuration. Returns
 * whether there are streams. */
static bool
take_pipes(struct logger *l, struct source *source, const struct message *m,
    const int *fds, size_t nfds)
{
	if (m->log.size > 0)
		source->log = m->log;
	for (size_t i = 0; i < nfds; i++)
		attach(l, &source->streams[i], fds[i]);
	if (!has_streams(source)) {
		complain(l, source,
		    "its pipes didn't come, too many files are "
		    "open");
		return false;
	}
	source->backoff_ms = RETRY_MS;
	source->complained = false;
	return true;
}

static void
flush(struct logger *l, struct source *source)
{
	for (int i = 0; i < 2; i++) {
		struct stream *s = &source->streams[i];

		if (s->fd < 0)
			continue;
		s->flush = true;
		if (s->wait != WAIT_SPACE)
			logger_wait(l, s, WAIT_TURN);
	}
}

void
source_receive(struct logger *l, struct source *source)
{
	struct message m;
	int fds[MESSAGE_DESCRIPTORS];
	size_t nfds;

	while (message_receive_descriptors(source->fd, &m, fds, &nfds) == 0) {
		if (m.type == MESSAGE_PIPES) {
			if (take_pipes(l, source, &m, fds, nfds))
				continue;
			errno = EMFILE;
			break;
		}
		for (size_t i = 0; i < nfds; i++)
			io_close(&fds[i]);
		if (m.type == MESSAGE_ENDED)
			flush(l, source);
	}
	if (errno == EAGAIN)
		return;
	if (errno == EPROTO)
		complain(l, source,
		    "its keeper is of another version, 'loopkeeper down' and "
		    "'up' renew it");
	lose(l, source);
}
