/*
 * The daemon: what concerns the fleet as a whole. It gives each component a
 * keeper and tells it what is wanted; it knows the order, the modes and the
 * fleet's circuit, reads the configuration anew, answers the control socket,
 * and ends everything in order. It starts, stops and judges no component: that
 * is the keepers', and they go on without it.
 *
 * One struct, one loop. Each part has a file of its own and is called from
 * daemon.c: when something of its kind has happened, when its moment has come.
 *
 *   start.c      from nothing to a fleet that is up, step by step
 *   roster.c     the configuration in memory
 *   links*.c     the keepers: adopt, tell, hear, lose
 *   births.c     the keepers: forked
 *   strangers.c  what a dead keeper left behind is ended
 *   turns.c      order
 *   modes.c      mode
 *   circuits.c   the fleet's circuit
 *   requests.c   what the command line asks for
 *   reload.c     another configuration, only the difference applied
 *   ending.c     down
 *   helper.c     programs that do what takes time
 *
 * It never waits for anybody, allocates nothing but for a new configuration,
 * and after the start touches no file outside tmpfs and /proc.
 */
#ifndef LOOPKEEPER_DAEMON_DAEMON_H
#define LOOPKEEPER_DAEMON_DAEMON_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "base/path.h"
#include "control/roster.h"
#include "control/server.h"
#include "daemon/helper.h"
#include "daemon/links.h"
#include "keeper/keeper.h"
#include "model/fleet.h"
#include "system/loop.h"
#include "system/spool.h"

#define DAEMON_REFUSED 3 /* exit status: it can't be started; said why */

struct daemon_birth {
	const char *state_directory; /* absolute */
	const char *config_path;     /* absolute */
	pid_t guardian;		     /* our parent, if it still lives */
	int guardian_fd;	     /* packets of one byte (guardian.h) */
	bool first;	    /* of its guardian: reports on stdout, may refuse */
	int delay_ms;	    /* to wait before anything else */
	const char *reason; /* what the one before died of; "" if first */
};

enum daemon_phase {
	PHASE_READING,	/* a helper reads the configuration */
	PHASE_CLEARING, /* leftovers of an earlier fleet are ended */
	PHASE_CHECKING, /* a helper checks the database; 10 s at most */
	PHASE_UP,
	PHASE_ENDING,	/* the components */
	PHASE_LAST,	/* housekeeping */
	PHASE_RECORDER, /* the recorder, last of all */
	PHASE_DRAINING, /* a helper puts the last events into the database */
	PHASE_OVER,
};

/* Kinds of loop sources; their owner. */
enum daemon_source {
	SOURCE_GUARDIAN,     /* - */
	SOURCE_GUARDIAN_END, /* - */
	SOURCE_KEEPER,	     /* struct link */
	SOURCE_KEEPER_END,   /* struct link */
	SOURCE_HELPER,	     /* struct helper */
	SOURCE_LISTEN,	     /* - */
	SOURCE_CLIENT,	     /* struct server_client */
};

struct daemon {
	const struct daemon_birth *birth;
	struct log log;
	enum daemon_phase phase;
	int exit_status; /* in PHASE_OVER */

	struct loop loop;
	struct loop_source *sources;
	int guardian_pidfd; /* -1: it has died */
	uint64_t guardian_key, guardian_end_key, listen_key;
	int guardian_fd;

	int lock_fd;
	int rundir;
	char run_directory[PATH_SIZE];
	bool on_tmpfs;
	uint64_t nofile_soft;	   /* before it was raised */
	const char *notify_socket; /* of whoever started us; NULL: none */
	int64_t watchdog_ms;	   /* how often it wants to hear; 0: never */
	int64_t watchdog_due_ms;
	char **environment; /* of helpers and keepers */

	struct spool spool;
	struct event event;

	struct roster roster;
	struct fleet_member *members; /* per component of the roster */
	struct link **links;	      /* the same; each never NULL */
	bool *passes; /* per component: those behind it may start */
	bool first_turn_done;
	TAILQ_HEAD(, link) leaving; /* dismissed, or of no configuration */
	TAILQ_HEAD(, link) spare_links;
	size_t adopted, surplus, forked;
	struct keeper_birth *keeper_birth; /* the pages that a keeper sees */

	bool order_due;	 /* something changed that order, */
	bool mode_due;	 /* or mode follow from */
	int64_t care_ms; /* some link is to be looked after; 0: none */

	bool clear_due;	  /* strangers are to be looked for */
	int64_t clear_ms; /* next look at those that still live; 0: none does */
	int64_t clear_since_ms;
	bool unkillable_told;
	size_t cleared;
	pid_t *children; /* room for a list of them */
	size_t children_size;

	enum mode mode;
	bool mode_written;
	int64_t mode_ms; /* to be asked again; 0: only after a change */
	struct fleet_circuit *circuits;
	size_t ncircuits;
	int64_t circuits_ms; /* to be judged; 0: nothing died */

	int64_t ask_ms;	   /* all keepers, next */
	int64_t answer_ms; /* the earliest answer that is due; 0: none */

	struct helper reader;  /* of the configuration */
	struct helper checker; /* of the database; at the end, of the spool */
	int64_t check_ms;      /* the start goes on without it; 0: none runs */
	bool checking;	       /* claims must wait: mode file-based */
	/* The same: the recorder says that it can't write to the database, and
	 * says so again before then; 0: it can. */
	int64_t away_until_ms;

	struct server server;
	struct server_client *reload_client; /* waits for the answer */
	bool reload_again;
	bool down_asked;
};

/* Lives as the daemon; returns its exit status: 0 down, DAEMON_REFUSED, or
 * another after a fault. */
int daemon_run(const struct daemon_birth *birth);

/* Makes *next_ms the earlier of the two; 0 is never. */
void daemon_sooner(int64_t *next_ms, int64_t at_ms);

/*
 * Opens the loop, or opens it anew with room for nlinks keepers; whatever was
 * watched is watched again. Returns 0, or -1 with errno and the old one kept.
 */
int daemon_open_loop(struct daemon *d, size_t nlinks);

/* Writes the event that was begun in d->event. */
void daemon_tell(struct daemon *d);

/* Begins one in d->event, with this component if not NULL. */
void
daemon_begin_event(struct daemon *d, const char *type, const char *component);

#endif
