/* Who has died? */
#ifndef LOOPKEEPER_KEEPER_REAP_H
#define LOOPKEEPER_KEEPER_REAP_H

#include "keeper/self.h"

/* After SIGCHLD: hears what the dead had to say, reaps all, and takes the
 * death of the main process and the end of the tree to the state machine. */
void reap_all(struct keeper *k);

/* The pidfd of a main process that isn't our child became readable. */
void reap_main(struct keeper *k);

/* pid of the tree is the main process from now on. Returns 0, or -1 with errno
 * when it has ended already: then nothing has changed. */
int reap_watch(struct keeper *k, pid_t pid);

/* There is no main process any more. */
void reap_forget(struct keeper *k);

#endif
