#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"
#include "system/process.h"
#include "system/tree.h"

static void
write_process(void *context, pid_t pid)
{
	char line[512], command[256], channel[PROCESS_WAIT_CHANNEL_SIZE];
	const int *fd = context;
	struct process p;
	struct buf b;

	if (process_read(pid, &p) < 0)
		return;
	process_wait_channel(pid, channel);
	process_command(pid, command, sizeof(command));
	buf_init(&b, line, sizeof(line));
	buf_addf(&b, "%7d %7d %c %-20s %8" PRIu64 " %8" PRId64 " %3d %s: %s\n",
	    pid, p.ppid, p.state, channel[0] != '\0' ? channel : "-", p.cpu_ms,
	    p.rss / 1024, p.threads, p.comm, command);
	(void)io_write_all(*fd, b.data, b.len);
}

void
tree_table(int fd, pid_t root)
{
	static const char head[] = "    PID    PPID S WAIT-CHANNEL           "
				   "CPU-MS   RSS-KB THR COMMAND\n";

	(void)io_write_all(fd, head, strlen(head));
	(void)tree_walk(root, write_process, &fd);
}
