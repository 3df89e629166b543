/*
 * The keeper: the small process that stands above one component. It forks and
 * execs it, is the subreaper of its tree, holds its notify socket and the
 * pipes of its output, and writes its status record. It does what the daemon
 * last told it, and goes on doing so when there is no daemon.
 *
 * It never waits, never allocates after its birth, writes to tmpfs, /proc and
 * cgroups only, and never execs.
 */
#ifndef LOOPKEEPER_KEEPER_KEEPER_H
#define LOOPKEEPER_KEEPER_KEEPER_H

#include <stddef.h>
#include <stdint.h>

#include "base/path.h"
#include "base/text.h"

/* What the daemon gives a keeper with its life; all else comes in messages. */
struct keeper_birth {
	int daemon_fd; /* this end of the SOCK_SEQPACKET pair to the daemon */
	uint64_t nofile_soft; /* soft file limit from before the daemon raised
				 it, for the component; 0: as it is */
	int pipe_size;	      /* of each output pipe in bytes; 0: the default */
	char **environment;   /* that components inherit; NULL: environ */
	/* Memory of the daemon's, whole pages, that is no keeper's business:
	 * given back at once, as each page that the daemon writes to between
	 * two forks would stay the keeper's alone for life. birth itself may
	 * lie in it, environment may not. NULL: none. */
	void *forget;
	size_t forget_size;
	char name[TEXT_NAME_MAX + 1];
	char run_directory[PATH_SIZE];	 /* absolute; c/NAME is made in it */
	char state_directory[PATH_SIZE]; /* absolute, for the environment */
	char config_path[PATH_SIZE];	 /* absolute, for the environment */
};

/*
 * Becomes the keeper of birth->name: to be called in a fresh child of the
 * daemon, which has one thread and called setproctitle_init() in main. Blocks
 * and resets all signals itself and closes every descriptor but daemon_fd.
 *
 * Expects from the daemon CONFIG, WANT and, once `after` is satisfied, GO;
 * nothing is started before all three came. Sends MESSAGE_STATUS after every
 * change that the fleet needs to know of.
 *
 * Exit status: 0 dismissed or ended by SIGTERM, its tree empty; 1 it could not
 * come to life (said on the daemon's stderr before that is closed); 2 another
 * keeper of this name lives.
 */
_Noreturn void keeper_run(const struct keeper_birth *birth);

#endif
