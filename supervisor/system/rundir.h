/*
 * Where things lie. state/run is a link to the run directory, made by the
 * daemon under its lock; everybody else follows it and computes nothing.
 *
 *   state/  lock  database.lock  wanted  coordination.db  logs/  spool/  run
 *   run/    control  mode  guardian  spool/  c/NAME/{lock,status,keeper,
 *           notify,death,tail.stdout,tail.stderr,proc}
 */
#ifndef LOOPKEEPER_SYSTEM_RUNDIR_H
#define LOOPKEEPER_SYSTEM_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Opens state_directory/run (following the link) as a directory. Returns a
 * descriptor that the caller closes, or -1 with open(2)'s errno.
 */
int rundir_open(const char *state_directory);

/* Opens run/c/NAME. The same. */
int rundir_open_component(int rundir, const char *name);

/*
 * Picks and makes the run directory (see the design: $XDG_RUNTIME_DIR, /run,
 * /dev/shm/loopkeeper-UID, else inside state_directory), points
 * state_directory/run to it, and makes c/ and spool/ in it. An existing safe
 * one is used again. Caller holds the state lock. Writes the real path.
 * Returns 0, or -1 with errno. *ret_tmpfs tells whether it is on tmpfs.
 */
int rundir_make(
    const char *state_directory, char *ret_path, size_t size, bool *ret_tmpfs);

/*
 * Connects a socket of type (SOCK_STREAM, SOCK_SEQPACKET; close-on-exec,
 * non-blocking when asked) to dirfd/name, however long the path is. Returns
 * it, or -1 with connect(2)'s errno.
 */
int rundir_connect(int dirfd, const char *name, int type);

/* Binds and listens (SOCK_DGRAM: binds only) on dirfd/name, replacing a
 * left-over. Mode is that of the file. Returns the socket or -1 with errno. */
int rundir_listen(int dirfd, const char *name, int type, mode_t mode);

#endif
