#include <poll.h>

#include "base/clock.h"
#include "cli/process_tree.h"
#include "system/process.h"
#include "system/tree.h"

#define LOOK_MS 200

static void
add(void *context, pid_t pid)
{
	struct process_tree *tree = context;
	struct process p;

	if (process_read(pid, &p) < 0 || p.state == 'Z')
		return;
	tree->nprocesses++;
	tree->rss += p.rss;
	tree->cpu_ms += p.cpu_ms;
}

void
process_tree_measure(struct process_tree *ret, pid_t keeper_pid)
{
	struct process_tree before = { 0 };
	int64_t begun_ms = clock_ms(), passed_ms;

	*ret = (struct process_tree){ 0 };
	(void)tree_walk(keeper_pid, add, &before);
	(void)poll(NULL, 0, LOOK_MS);
	(void)tree_walk(keeper_pid, add, ret);
	passed_ms = clock_ms() - begun_ms;
	if (ret->cpu_ms > before.cpu_ms && passed_ms > 0)
		ret->cpu_percent = 100.0 *
		    (double)(ret->cpu_ms - before.cpu_ms) / (double)passed_ms;
}
