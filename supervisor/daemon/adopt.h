/*
 * What an earlier daemon left in the run directory: keepers, found by the
 * locks they hold, and files of components that have none.
 */
#ifndef LOOPKEEPER_DAEMON_ADOPT_H
#define LOOPKEEPER_DAEMON_ADOPT_H

struct daemon;

/*
 * Adopts every keeper that lives: those of the roster for their members,
 * others in order to dismiss them. Sets what is wanted of each member from the
 * file `wanted`. Returns 0, or -1 with errno.
 */
int adopt_all(struct daemon *d);

#endif
