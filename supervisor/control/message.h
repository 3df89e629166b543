/*
 * What goes over a keeper's SOCK_SEQPACKET socket: one message is one packet,
 * a struct message, followed for MESSAGE_CONFIG by a struct component_config.
 * Daemon, keeper and logger run the same build or refuse by version.
 *
 * A keeper has the socketpair end it was born with and the listening socket
 * run/c/NAME/keeper; who connects there and says HELLO as the daemon becomes
 * its daemon, and the one before is forgotten. Packets from other users than
 * the fleet's owner and root are refused (SO_PEERCRED).
 */
#ifndef LOOPKEEPER_CONTROL_MESSAGE_H
#define LOOPKEEPER_CONTROL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/component.h"

#define MESSAGE_VERSION 1

enum message_type {
	/* daemon -> keeper */
	MESSAGE_HELLO = 1, /* I am your daemon: answered by MESSAGE_STATUS */
	MESSAGE_CONFIG,	   /* a component_config follows */
	MESSAGE_WANT,	   /* .want, .by_operator */
	MESSAGE_GO,	   /* `after` is satisfied */
	MESSAGE_HOLD,	   /* the fleet's circuit is open: start nothing new */
	MESSAGE_RELEASE,
	MESSAGE_RESTART, /* operator: stop, clear the circuit, start */
	MESSAGE_SEEN,	 /* .age_ms: heartbeat unchanged for so long; -1: one
			    came just now */
	MESSAGE_PING,	 /* answered by MESSAGE_PONG */
	MESSAGE_KEEP,	 /* answered by MESSAGE_PIPES: the daemon holds them,
			  * so that what is in them survives the keeper */
	MESSAGE_DISMISS, /* stop the component, then end; .room_ms: leave the
			    others time before tidying up */
	/* logger -> keeper */
	MESSAGE_OUTPUT, /* answered by MESSAGE_PIPES with two descriptors */
	/* keeper -> daemon */
	MESSAGE_STATUS, /* a struct status_record follows */
	MESSAGE_PONG,
	/* keeper -> logger, keeper -> daemon, and back to the next keeper,
	 * which goes on with them, before its MESSAGE_CONFIG */
	MESSAGE_PIPES, /* .log; SCM_RIGHTS: read ends of stdout, stderr */
	MESSAGE_ENDED, /* the component's tree is empty: end partial lines */
};

struct message {
	uint32_t version; /* MESSAGE_VERSION */
	enum message_type type;
	enum component_want want;
	int32_t by_operator; /* want: clears circuit and window on `run` */
	int64_t age_ms;
	int64_t room_ms;
	struct config_log log;
};

#define MESSAGE_DESCRIPTORS 2 /* at most, with one packet */

/* A message of that type with nothing else set. */
struct message message_new(enum message_type type);

/*
 * Sends m, with tail_size bytes of tail behind it, as one packet. Never waits
 * and raises no SIGPIPE. Returns 0, or -1 with sendmsg(2)'s errno: EAGAIN when
 * the receiver doesn't read, EPIPE or ECONNRESET when it is gone.
 */
int message_send(
    int fd, const struct message *m, const void *tail, size_t tail_size);

/* The same without a tail, passing nfds descriptors (they stay open here). */
int message_send_descriptors(
    int fd, const struct message *m, const int *fds, size_t nfds);

/*
 * Takes one packet without waiting: the message into *ret, what follows it
 * into tail, descriptors that came with it into fds (the caller's to close;
 * *nfds says how many). Returns the length of the tail (0: none), or -1 with
 * errno and no descriptor: EAGAIN no packet, EPIPE the sender is gone,
 * EMSGSIZE the tail is longer than size, EPROTO too short or of another
 * version, or recvmsg(2)'s.
 */
ssize_t message_receive(int fd, struct message *ret, void *tail, size_t size,
    int fds[static MESSAGE_DESCRIPTORS], size_t *nfds);

/* The same where no tail is expected. */
int message_receive_descriptors(int fd, struct message *ret,
    int fds[static MESSAGE_DESCRIPTORS], size_t *nfds);

/* Whether whoever connected fd may command a fleet: its owner (our own
 * effective uid), root, or a member of the group gid ((gid_t)-1: none). */
int message_peer_allowed(int fd, gid_t gid);

#endif
