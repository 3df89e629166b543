/*
 * The daemon's side of the control protocol (control.h): it accepts, reads a
 * request line, and sends the reply, without ever waiting for a client. What
 * a request means is the daemon's business.
 *
 * A client has CONTROL_TIMEOUT_MS to send its line and as long to take the
 * reply; how long the daemon takes in between is its own affair. A line and a
 * reply live in memory that is touched only as far as it is used.
 */
#ifndef LOOPKEEPER_CONTROL_SERVER_H
#define LOOPKEEPER_CONTROL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "control/control.h"
#include "system/loop.h"

struct server_client {
	int fd; /* -1: the slot is free */
	uint64_t key;
	int64_t deadline_ms; /* 0: it waits for the daemon */
	char *line;	     /* CONTROL_LINE_MAX bytes */
	size_t len;
	size_t next;	  /* of server_word() */
	struct buf reply; /* CONTROL_REPLY_MAX bytes */
	size_t sent;
	bool answered; /* the reply is whole */
};

struct server {
	struct loop *loop;
	int listen_fd;
	int client_kind; /* of loop sources; their owner is the client */
	gid_t gid;	 /* this group may command too; (gid_t)-1: none */
	char *memory;
	struct server_client clients[CONTROL_CLIENTS];
};

/*
 * Makes and listens on rundir/control. The caller watches listen_fd and calls
 * server_accept(). Returns 0, or -1 with errno.
 */
int
server_open(struct server *s, struct loop *loop, int rundir, int client_kind);
void server_close(struct server *s);

/* Watches all clients, in a new loop at the same place. */
void server_watch(struct server *s);

/* Takes all who knock; those who may not, or are too many, are told so. */
void server_accept(struct server *s);

/*
 * Something happened on a client's descriptor. Returns true when its request
 * is complete: to be read with server_word() and answered by server_answer(),
 * now or later.
 */
bool server_event(struct server *s, struct server_client *c, uint32_t events);

/* The next word of the request, NULL after the last. */
const char *server_word(struct server_client *c);

/* The first word again. */
void server_rewind(struct server_client *c);

/* The reply, "ok" or "error TEXT" first, stands in c->reply: sends it. */
void server_answer(struct server *s, struct server_client *c);

/* The same with c->reply set to "error " and this text, in one line. */
void server_refuse(struct server *s, struct server_client *c,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* When server_expire() is due, 0 for never. */
int64_t server_next_ms(const struct server *s);

/* Lets go of clients that are too slow. */
void server_expire(struct server *s, int64_t now_ms);

#endif
