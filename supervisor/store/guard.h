/*
 * STATE/database.lock: who may open coordination.db, and whether it is still
 * the file we knew.
 *
 * Every opener of ours holds a shared flock(2) on it. After `pause all` the
 * recorder, which closes last, holds it exclusively until `resume`. Its text
 * is the mark: "open INODE" while the database is in use, "closed INODE SIZE
 * MTIME_NS" when nobody of ours has it open any more, "released INODE SIZE
 * MTIME_NS" from release to return, through crashes and reboots. A file that
 * doesn't match the mark was put there by somebody else: a -wal or -shm beside
 * it is not its own and would silently undo it, so they are moved aside; unless
 * a program that isn't ours has it open, and is what has changed it.
 */
#ifndef LOOPKEEPER_STORE_GUARD_H
#define LOOPKEEPER_STORE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

/*
 * For store_open(): takes the shared lock, waiting s->busy_ms at most for the
 * recorder to take a released database back, and compares the mark. Sets
 * s->lock_fd and s->replaced. Returns 0; 1 when the mark has to be written by
 * guard_note() once the file is open, until which other openers wait; or -1:
 * ESHUTDOWN released, else as open(2), with the store's error text.
 */
int guard_enter(struct store *s);

/* Marks the file that is open now as the one that is in use, and lets other
 * openers pass. Returns 0 or -1. */
int guard_note(struct store *s);

/* Gives s->lock_fd back, the database being closed. */
void guard_leave(struct store *s);

/*
 * Whether the operator wants the database released; then says so in text:
 * "paused: the database is released (since 02:14, by olaf); resume first".
 * Returns 1, 0, or -1 with errno.
 */
int
guard_is_wanted_released(const char *state_directory, char *text, size_t size);

/*
 * Takes the lock exclusively, without waiting: then no opener of ours has the
 * database open, nor can open it. Returns a descriptor to close or to hand to
 * store_open_held(), or -1: EAGAIN somebody holds it, else as open(2).
 */
int guard_take(const char *state_directory);

/* Marks the closed database as released. The lock is held exclusively by fd.
 * Returns 0 or -1 with errno. */
int guard_release(int fd, const char *state_directory);

/*
 * Compares the database with its mark, moves a stray -wal and -shm aside when
 * it is another file. The lock is held exclusively by fd. *ret_released tells
 * whether it was released. Returns 1 replaced, 0 the same or never seen
 * before, -1 with errno.
 */
int guard_check(int fd, const char *state_directory, bool *ret_released);

/* Exclusively held becomes shared: others may open. Returns 0 or -1. */
int guard_share(int fd);

/*
 * Moves STATE/coordination.db's companions aside, or (whole) the database with
 * them, to NAME.REASON-TIME; nothing is deleted. Writes the new path of the
 * last one moved, the database where it was, to ret (PATH_SIZE bytes; may be
 * NULL). Returns how many there were, or -1 with errno.
 */
int guard_set_aside(
    const char *state_directory, bool whole, const char *reason, char *ret);

#endif
