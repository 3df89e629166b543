/*
 * What is done before work begins on a database: take it back if it was
 * released, notice that it was replaced, look whether it is whole, extend it,
 * and repair what the dead left. A damaged one is moved aside with its -wal
 * and -shm, never deleted, and a fresh one made.
 */
#ifndef LOOPKEEPER_STORE_CHECK_H
#define LOOPKEEPER_STORE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "store/alive.h"
#include "store/store.h"

/* How long a heartbeat of somebody else's loop is watched. */
#define CHECK_WATCH_MS 10000

struct check {
	const char *state_directory;
	int lock_fd; /* STATE/database.lock, held exclusively; -1: not held */
	/* Who is known to live or not, without the database. */
	enum alive (*known)(const char *loop_id, void *argument);
	/* As in struct recovery. */
	int (*is_merged)(
	    const char *repository, const char *branch, const char *commit);
	/* Whether the loop will run again, and look after what it left itself.
	 * NULL: all will. */
	bool (*will_run)(const char *loop_id, void *argument);
	/* Whether there is such a loop. */
	bool (*has_loop)(const char *loop_id, void *argument);
	/* Keeps what the others left in the worktrees of a repository: as
	 * leftover_save(), which see. */
	void (*save)(const char *repository, const char *state_directory,
	    bool (*take)(
		const char *attempt, char *ret_loop, size_t size, void *),
	    void (*say)(const char *line, void *), bool dry_run,
	    void *argument);
	/* Which worktrees there are: leftover_trees(). Not NULL with save. */
	void (*trees)(const char *repository, const char *state_directory,
	    void (*found)(const char *path, const char *loop, void *),
	    void *argument);
	/* One finding, for people. */
	void (*say)(const char *line, void *argument);
	void *argument;
	const char *by; /* source of the events */
	bool dry_run;	/* only says what it would do */
};

/*
 * Does it all and leaves s open, its lock shared. lock_fd is taken over. May
 * take as long as reading the whole file does. Returns 0, or -1 with errno of
 * store.h and s closed: EBUSY may be tried again; ENOENT only with dry_run.
 */
int check_run(const struct check *c, struct store *s);

#endif
