/* What a component's whole tree of processes takes. */
#ifndef LOOPKEEPER_CLI_PROCESS_TREE_H
#define LOOPKEEPER_CLI_PROCESS_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_tree {
	size_t nprocesses;
	int64_t rss;	    /* bytes */
	uint64_t cpu_ms;    /* of what lives and what it has reaped */
	double cpu_percent; /* of one processor, over the time of looking */
};

/* Looks at all descendants of keeper_pid, for a fifth of a second. What can't
 * be read counts as nothing. */
void process_tree_measure(struct process_tree *ret, pid_t keeper_pid);

#endif
