/*
 * A cgroup (version 2) of its own for each component, below the one that the
 * supervisor itself is in, where that may be made. It needs no controller:
 * cgroup.kill works without. Where the controllers are there, memory.max and
 * pids.max are set.
 */
#ifndef LOOPKEEPER_SYSTEM_CGROUP_H
#define LOOPKEEPER_SYSTEM_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_NAME_SIZE 64

struct cgroup {
	int own_fd;    /* of the caller; owned, as the next two; -1: none */
	int parent_fd; /* of the fleet, below own */
	int fd;	       /* of the component, below the fleet's */
	bool killed;   /* cgroup_kill() was used on it */
	int lives;     /* directories that it had so far, at most */
	char fleet[CGROUP_NAME_SIZE];
	char name[CGROUP_NAME_SIZE];
};

/*
 * Opens or makes the cgroup of a component below that of the fleet, which the
 * path of its run directory names, in the caller's own cgroup. Returns 0, or
 * -1 with errno when there is no cgroup2, it isn't ours to write, or the
 * kernel has no cgroup.kill; then the tree is ended without it, and nothing is
 * open.
 */
int cgroup_open(struct cgroup *g, const char *run_directory, const char *name);

/* Sets limits in bytes and processes (-1: none). Returns 0; -1 with errno
 * when one of them can't be enforced. */
int cgroup_limit(const struct cgroup *g, int64_t memory, int64_t pids);

/* SIGKILL to all in it. Returns 0, or -1 with errno. */
int cgroup_kill(struct cgroup *g);

/*
 * To be called before something is started in it: after cgroup_kill() a fresh
 * one is made. Linux up to 6.18 at least kills whatever is cloned into one
 * that was ever killed. Returns 1 for a fresh one (its limits are to be set
 * again), 0 when nothing was to be done, -1 with errno: then it has none.
 */
int cgroup_renew(struct cgroup *g);

/* Whether no process is in it. */
bool cgroup_is_empty(const struct cgroup *g);

/* Opens the cgroup that a process is in, by its own mounts: that of a keeper
 * is where the fleet's lies. The caller closes it. -1 with errno. */
int cgroup_open_of(pid_t pid);

/* Removes what keepers that were killed left of the fleet's cgroups below
 * parent, as far as it is empty. */
void cgroup_sweep(int parent, const char *run_directory);

/* Removes it if it is empty, and the fleet's if this was its last, and
 * closes. */
void cgroup_close(struct cgroup *g);

#endif
