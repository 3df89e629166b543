/*
 * The end of a whole tree of processes, provable without root: the asking
 * process is a subreaper (PR_SET_CHILD_SUBREAPER), so that every orphan below
 * it becomes its child. The tree is empty when waitid(2) says ECHILD.
 */
#ifndef LOOPKEEPER_SYSTEM_TREE_H
#define LOOPKEEPER_SYSTEM_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tree_report {
	size_t found; /* living descendants that were seen */
	size_t signalled;
	pid_t refused; /* one that may not be signalled (EPERM); 0: none */
};

/*
 * Sends SIGKILL to every descendant of the caller but those that spare()
 * (may be NULL) says true for; their own descendants are spared too. Its
 * children first: what becomes an orphan by that falls to the caller, so it
 * is to be called again at each SIGCHLD until the tree is empty. Returns 0,
 * or -1 with errno when /proc can't be read.
 */
int tree_kill(bool (*spare)(void *context, pid_t pid), void *context,
    struct tree_report *ret);

/* A zombie that was taken, or what waitid(2) says. */
struct tree_exit {
	pid_t pid; /* 0: nobody has ended; some child lives */
	int code;  /* exit status, or the signal */
	bool signalled;
};

/* Reaps one child. Returns 0, or -1 with ECHILD: there is no child left. */
int tree_reap(struct tree_exit *ret);

/*
 * Calls visit() for root's descendants (not for root itself), parents before
 * children, at most TREE_MAX of them. Returns how many there were, or -1 with
 * errno.
 */
ssize_t
tree_walk(pid_t root, void (*visit)(void *context, pid_t pid), void *context);
#define TREE_MAX 1024

/* Writes what /proc says of root's descendants to fd: a line each, below one
 * with the names of the columns. What can't be written is left out. */
void tree_table(int fd, pid_t root);

#endif
