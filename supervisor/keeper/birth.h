/* How a keeper comes to life out of a fork of the daemon, and how it ends. */
#ifndef LOOPKEEPER_KEEPER_BIRTH_H
#define LOOPKEEPER_KEEPER_BIRTH_H

#include "keeper/self.h"

/* Takes on nothing of the daemon's but birth->daemon_fd. Ends the process
 * where that fails (the statuses stand in keeper.h). */
struct keeper *birth_give(const struct keeper_birth *birth);

/* Removes the cgroup. The lock goes with the process; the sockets' files stay,
 * deaf, until the next life. */
void birth_undo(struct keeper *k);

#endif
