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

#include <stdint.h>

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
	MESSAGE_SEEN,	 /* .age_ms: heartbeat unchanged for so long */
	MESSAGE_PING,	 /* answered by MESSAGE_PONG */
	MESSAGE_DISMISS, /* stop the component, then end */
	/* logger -> keeper */
	MESSAGE_OUTPUT, /* answered by MESSAGE_PIPES with two descriptors */
	/* keeper -> daemon */
	MESSAGE_STATUS, /* a struct status_record follows */
	MESSAGE_PONG,
	/* keeper -> logger */
	MESSAGE_PIPES, /* .log; SCM_RIGHTS: read ends of stdout, stderr */
	MESSAGE_ENDED, /* the component's tree is empty: end partial lines */
};

struct message {
	uint32_t version; /* MESSAGE_VERSION */
	enum message_type type;
	enum component_want want;
	int32_t by_operator; /* want: clears circuit and window on `run` */
	int64_t age_ms;
	struct config_log log;
};

#endif
