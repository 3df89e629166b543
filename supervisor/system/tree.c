#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "system/pidfd.h"
#include "system/process.h"
#include "system/tree.h"

struct node {
	pid_t pid;
	pid_t ppid;
	uint64_t start;
	bool zombie;
};

struct collection {
	struct node nodes[TREE_MAX];
	size_t n;
	pid_t root;
	bool grew;
	bool (*spare)(void *context, pid_t pid);
	void *context;
};

static bool
is_in(const struct collection *c, pid_t pid)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->nodes[i].pid == pid)
			return true;
	return false;
}

/* Takes p in if its parent is in already. */
static bool
consider(void *context, const struct process *p)
{
	struct collection *c = context;

	if (c->n == TREE_MAX)
		return false;
	if ((p->ppid != c->root && !is_in(c, p->ppid)) || is_in(c, p->pid) ||
	    (c->spare != NULL && c->spare(c->context, p->pid)))
		return true;
	c->nodes[c->n++] = (struct node){ .pid = p->pid,
		.ppid = p->ppid,
		.start = p->start,
		.zombie = p->state == 'Z' || p->state == 'X' };
	c->grew = true;
	return true;
}

static void
consider_children(struct collection *c, pid_t parent)
{
	pid_t pids[256];
	struct process p;
	ssize_t n = process_children(parent, pids, 256);

	for (ssize_t i = 0; i < n && i < 256; i++)
		if (process_read(pids[i], &p) == 0)
			(void)consider(c, &p);
}

/*
 * Parents before their children. Without the kernel's lists all of /proc is
 * read again until nothing new is found: mostly twice, as a child's number is
 * nearly always above its parent's.
 */
static int
collect(struct collection *c)
{
	if (process_lists_children()) {
		consider_children(c, c->root);
		for (size_t i = 0; i < c->n; i++)
			consider_children(c, c->nodes[i].pid);
		return 0;
	}
	do {
		c->grew = false;
		if (process_each(consider, c) < 0)
			return -1;
	} while (c->grew && c->n < TREE_MAX);
	return 0;
}

/*
 * A child of ours keeps its number until we reap it. Any other may be gone
 * and its number taken: only a pidfd that is looked at again is sure.
 */
static int
kill_node(const struct collection *c, const struct node *node)
{
	int pidfd, result;

	if (node->ppid == c->root)
		return kill(node->pid, SIGKILL);
	pidfd = pidfd_get_checked(node->pid, node->start);
	if (pidfd < 0)
		return -1;
	result = pidfd_signal(pidfd, SIGKILL);
	io_close(&pidfd);
	return result;
}

int
tree_kill(bool (*spare)(void *context, pid_t pid), void *context,
    struct tree_report *ret)
{
	struct collection c;

	c.n = 0;
	c.root = getpid();
	c.spare = spare;
	c.context = context;
	*ret = (struct tree_report){ 0 };
	if (collect(&c) < 0)
		return -1;
	for (size_t i = 0; i < c.n; i++) {
		if (c.nodes[i].zombie)
			continue;
		ret->found++;
		if (kill_node(&c, &c.nodes[i]) == 0)
			ret->signalled++;
		else if (errno == EPERM && ret->refused == 0)
			ret->refused = c.nodes[i].pid;
	}
	return 0;
}

int
tree_reap(struct tree_exit *ret)
{
	siginfo_t info = { 0 };
	int result;

	do
		result = waitid(P_ALL, 0, &info, WEXITED | WNOHANG);
	while (result < 0 && errno == EINTR);
	if (result < 0)
		return -1;
	*ret = (struct tree_exit){ .pid = info.si_pid,
		.code = info.si_status,
		.signalled = info.si_code != CLD_EXITED };
	return 0;
}

ssize_t
tree_walk(pid_t root, void (*visit)(void *context, pid_t pid), void *context)
{
	struct collection c;

	c.n = 0;
	c.root = root;
	c.spare = NULL;
	c.context = NULL;
	if (collect(&c) < 0)
		return -1;
	for (size_t i = 0; i < c.n; i++)
		visit(context, c.nodes[i].pid);
	return (ssize_t)c.n;
}
