/*
 * POSIX record locks (F_SETLK): a process lives if and only if its lock is
 * held, and F_GETLK names its pid. They are not inherited by fork, and go
 * with any close of the file by the owner: open a locked file only once.
 */
#ifndef LOOPKEEPER_SYSTEM_LOCK_H
#define LOOPKEEPER_SYSTEM_LOCK_H

#include <stdint.h>
#include <sys/types.h>

/* In the state directory: who holds them is the fleet's daemon, or guardian. */
#define LOCK_DAEMON   "lock"
#define LOCK_GUARDIAN "guardian.lock"

/*
 * Opens (makes, 0600) dirfd/path and locks it without waiting. Returns the
 * descriptor to keep for life, or -1 with open(2)'s errno, or EAGAIN when
 * somebody else holds it.
 */
int lock_take(int dirfd, const char *path);

/*
 * Who holds dirfd/path: a pid, 0 for nobody (or no such file), -1 with errno.
 * Not to be asked for a lock of the asking process itself: the close would
 * give it up.
 */
pid_t lock_holder(int dirfd, const char *path);

/* The name of a file system on which neither locks nor renames are to be
 * relied on, by the f_type of statfs(2); NULL for all others. */
const char *lock_distrusted(int64_t f_type);

#endif
