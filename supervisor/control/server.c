#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "control/message.h"
#include "control/server.h"
#include "system/rundir.h"

#define CLIENT_MEMORY (CONTROL_LINE_MAX + CONTROL_REPLY_MAX)
#define ALL_MEMORY    ((size_t)CONTROL_CLIENTS * CLIENT_MEMORY)

int
server_open(struct server *s, struct loop *loop, int rundir, int client_kind)
{
	void *memory = mmap(NULL, ALL_MEMORY, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return -1;
	*s = (struct server){ .loop = loop,
		.client_kind = client_kind,
		.gid = (gid_t)-1,
		.memory = memory };
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		s->clients[i].fd = -1;
		s->clients[i].line = s->memory + i * CLIENT_MEMORY;
	}
	/* Who may come in is decided by credentials, not by the file. */
	s->listen_fd =
	    rundir_listen(rundir, "control", SOCK_STREAM | SOCK_NONBLOCK, 0666);
	if (s->listen_fd < 0) {
		int saved = errno;

		(void)munmap(s->memory, ALL_MEMORY);
		s->memory = NULL;
		errno = saved;
		return -1;
	}
	return 0;
}

static void
drop(struct server *s, struct server_client *c)
{
	loop_remove(s->loop, &c->key);
	io_close(&c->fd);
}

void
server_close(struct server *s)
{
	if (s->memory == NULL)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		drop(s, &s->clients[i]);
	io_close(&s->listen_fd);
	(void)munmap(s->memory, ALL_MEMORY);
	s->memory = NULL;
}

void
server_watch(struct server *s)
{
	for (size_t i = 0; s->memory != NULL && i < CONTROL_CLIENTS; i++) {
		struct server_client *c = &s->clients[i];
		uint32_t events = c->answered ? EPOLLOUT
		    : c->deadline_ms != 0     ? EPOLLIN
					      : 0;

		if (c->fd >= 0)
			c->key =
			    loop_add(s->loop, c->fd, events, s->client_kind, c);
	}
}

static struct server_client *
free_slot(struct server *s)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (s->clients[i].fd < 0)
			return &s->clients[i];
	return NULL;
}

/* One line to somebody who gets no slot. */
static void
turn_away(int fd, const char *line)
{
	(void)send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
	io_close(&fd);
}

static void
take_in(struct server *s, int fd)
{
	struct server_client *c = free_slot(s);

	if (!message_peer_allowed(fd, s->gid)) {
		turn_away(fd,
		    "error only the owner of the fleet, root, and members of "
		    "its control_group may command it\n");
		return;
	}
	if (c == NULL) {
		turn_away(fd, "error too many clients at once; try again\n");
		return;
	}
	c->key = loop_add(s->loop, fd, EPOLLIN, s->client_kind, c);
	if (c->key == 0) {
		turn_away(fd, "error too many descriptors are open\n");
		return;
	}
	c->fd = fd;
	c->deadline_ms = clock_ms() + CONTROL_TIMEOUT_MS;
	c->len = c->next = c->sent = 0;
	c->answered = false;
	buf_init(&c->reply, c->line + CONTROL_LINE_MAX, CONTROL_REPLY_MAX);
}

void
server_accept(struct server *s)
{
	int fd;

	while ((fd = accept4(s->listen_fd, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		take_in(s, fd);
}

/* Words become NUL-ended; the line's end is the last of them. */
static bool
cut_into_words(struct server_client *c)
{
	char *end = memchr(c->line, '\n', c->len);

	if (end == NULL)
		return false;
	*end = '\0';
	c->len = (size_t)(end - c->line);
	for (size_t i = 0; i < c->len; i++)
		if (c->line[i] == '\t')
			c->line[i] = '\0';
	c->next = 0;
	c->deadline_ms = 0;
	return true;
}

const char *
server_word(struct server_client *c)
{
	const char *word = c->line + c->next;

	if (c->next > c->len)
		return NULL;
	c->next += strlen(word) + 1;
	return word;
}

void
server_rewind(struct server_client *c)
{
	c->next = 0;
}

static bool
read_request(struct server *s, struct server_client *c)
{
	ssize_t n = 1;

	while (c->len < CONTROL_LINE_MAX) {
		n = recv(c->fd, c->line + c->len, CONTROL_LINE_MAX - c->len, 0);
		if (n <= 0)
			break;
		c->len += (size_t)n;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		if (memchr(c->line, '\n', c->len) == NULL) {
			drop(s, c);
			return false;
		}
	}
	if (cut_into_words(c)) {
		/* Only its going away is of interest from now on. */
		(void)loop_change(s->loop, c->key, 0);
		return true;
	}
	if (c->len == CONTROL_LINE_MAX)
		server_refuse(s, c, "the request is longer than %d bytes",
		    CONTROL_LINE_MAX);
	return false;
}

static void
send_reply(struct server *s, struct server_client *c)
{
	while (c->sent < c->reply.len) {
		ssize_t n = send(c->fd, c->reply.data + c->sent,
		    c->reply.len - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			(void)loop_change(s->loop, c->key, EPOLLOUT);
			return;
		}
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	drop(s, c);
}

bool
server_event(struct server *s, struct server_client *c, uint32_t events)
{
	if (c->answered) {
		send_reply(s, c);
		return false;
	}
	if (c->deadline_ms != 0)
		return read_request(s, c);
	/* It went away before it was answered: the answer will find out. */
	if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		loop_remove(s->loop, &c->key);
	return false;
}

void
server_answer(struct server *s, struct server_client *c)
{
	c->answered = true;
	c->deadline_ms = clock_ms() + CONTROL_TIMEOUT_MS;
	send_reply(s, c);
}

void
server_refuse(
    struct server *s, struct server_client *c, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text[strcspn(text, "\n")] = '\0';
	buf_init(&c->reply, c->reply.data, c->reply.size);
	buf_addf(&c->reply, "error %s\n", text);
	server_answer(s, c);
}

int64_t
server_next_ms(const struct server *s)
{
	int64_t next_ms = 0;

	if (s->memory == NULL)
		return 0;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		const struct server_client *c = &s->clients[i];

		if (c->fd >= 0 && c->deadline_ms != 0 &&
		    (next_ms == 0 || c->deadline_ms < next_ms))
			next_ms = c->deadline_ms;
	}
	return next_ms;
}

void
server_expire(struct server *s, int64_t now_ms)
{
	for (size_t i = 0; s->memory != NULL && i < CONTROL_CLIENTS; i++) {
		struct server_client *c = &s->clients[i];

		if (c->fd >= 0 && c->deadline_ms != 0 &&
		    c->deadline_ms <= now_ms)
			drop(s, c);
	}
}
