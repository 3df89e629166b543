#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "system/process.h"

#define PROC_PATH_SIZE 64

static ssize_t
read_proc(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[sizeof("/proc//") + 10 + PROC_PATH_SIZE];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	n = io_read_file(AT_FDCWD, path, buf, size);
	if (n < 0 && errno == ENOENT)
		errno = ESRCH;
	return n;
}

static uint64_t
ticks_to_ms(uint64_t ticks)
{
	return ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

uint64_t
process_start_now(void)
{
	struct timespec now;
	int64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK);

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)((now.tv_sec * 1000000000 + now.tv_nsec) / tick_ns);
}

/* What follows the name in stat, from field 3 on. */
static int
parse_fields(const char *text, struct process *p)
{
	uint64_t utime, stime;
	int64_t cutime, cstime, pages;

	if (sscanf(text,
		" %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
		" %" SCNu64 " %" SCNd64 " %" SCNd64 " %*d %*d %d %*d %" SCNu64
		" %*u %" SCNd64
		" %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %*d"
		" %*u %*u %*u %*u %*d %*u %*u %*u %*u %*u %*u %*u %d",
		&p->state, &p->ppid, &utime, &stime, &cutime, &cstime,
		&p->threads, &p->start, &pages, &p->exit_code) != 10) {
		errno = EBADMSG;
		return -1;
	}
	p->cpu_ms =
	    ticks_to_ms(utime + stime + (uint64_t)cutime + (uint64_t)cstime);
	p->rss = pages * sysconf(_SC_PAGESIZE);
	return 0;
}

int
process_read(pid_t pid, struct process *ret)
{
	struct process p = { .pid = pid };
	char text[1024], *open, *close;

	if (read_proc(pid, "stat", text, sizeof(text)) < 0)
		return -1;
	/* The name may hold blanks and parentheses itself. */
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (open == NULL || close == NULL) {
		errno = EBADMSG;
		return -1;
	}
	*close = '\0';
	(void)snprintf(p.comm, sizeof(p.comm), "%s", open + 1);
	text_clean(p.comm);
	if (parse_fields(close + 1, &p) < 0)
		return -1;
	*ret = p;
	return 0;
}

bool
process_is(pid_t pid, uint64_t start)
{
	struct process p;

	return process_read(pid, &p) == 0 && p.start == start &&
	    p.state != 'Z' && p.state != 'X';
}

void
process_wait_channel(pid_t pid, char buf[static PROCESS_WAIT_CHANNEL_SIZE])
{
	if (read_proc(pid, "wchan", buf, PROCESS_WAIT_CHANNEL_SIZE) < 0 &&
	    errno != EFBIG)
		buf[0] = '\0';
	if (strcmp(buf, "0") == 0)
		buf[0] = '\0';
	text_clean(buf);
}

void
process_command(pid_t pid, char *buf, size_t size)
{
	ssize_t n = read_proc(pid, "cmdline", buf, size);

	if (n < 0 && errno == EFBIG)
		n = (ssize_t)size - 1;
	if (n < 0)
		n = 0;
	while (n > 0 && buf[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] == '\0')
			buf[i] = ' ';
	buf[n] = '\0';
	text_clean(buf);
}

int
process_boot_id(char buf[static PROCESS_BOOT_ID_SIZE])
{
	char text[64];

	if (io_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text,
		sizeof(text)) < 0)
		return -1;
	(void)snprintf(
	    buf, PROCESS_BOOT_ID_SIZE, "%.*s", PROCESS_BOOT_ID_SIZE - 1, text);
	return 0;
}

/* Calls visit for each name in the directory that is a number, until it says
 * false. Returns 0, or -1 with errno. */
static int
each_number(
    const char *path, bool (*visit)(void *context, pid_t n), void *context)
{
	union {
		struct dirent64 align;
		char bytes[2048];
	} buf;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = getdents64(fd, &buf, sizeof(buf))) > 0) {
		const struct dirent64 *d;

		for (ssize_t at = 0; at < n; at += d->d_reclen) {
			d = (const void *)(buf.bytes + at);
			if (isdigit((unsigned char)d->d_name[0]) &&
			    !visit(
				context, (pid_t)strtol(d->d_name, NULL, 10))) {
				io_close(&fd);
				return 0;
			}
		}
	}
	io_close(&fd);
	return n < 0 ? -1 : 0;
}

struct each {
	bool (*visit)(void *context, const struct process *p);
	void *context;
};

static bool
visit_process(void *context, pid_t pid)
{
	const struct each *e = context;
	struct process p;

	return process_read(pid, &p) < 0 || e->visit(e->context, &p);
}

int
process_each(
    bool (*visit)(void *context, const struct process *p), void *context)
{
	struct each e = { .visit = visit, .context = context };

	return each_number("/proc", visit_process, &e);
}

struct children {
	pid_t parent;
	pid_t *pids;
	size_t size;
	size_t n;
};

static void
add_child(struct children *c, pid_t pid)
{
	if (c->n < c->size)
		c->pids[c->n] = pid;
	c->n++;
}

static bool
add_if_child(void *context, const struct process *p)
{
	struct children *c = context;

	if (p->ppid == c->parent)
		add_child(c, p->pid);
	return true;
}

/* The children of one thread, which the kernel lists as numbers. */
static bool
add_thread(void *context, pid_t thread)
{
	struct children *c = context;
	char path[PROC_PATH_SIZE], text[4096], *p = text, *end;

	(void)snprintf(path, sizeof(path), "task/%d/children", (int)thread);
	if (read_proc(c->parent, path, text, sizeof(text)) < 0 &&
	    errno != EFBIG)
		return true;
	for (;; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p || *end == '\0') /* a number cut at the end */
			return true;
		add_child(c, (pid_t)pid);
	}
}

bool
process_lists_children(void)
{
	return access("/proc/thread-self/children", R_OK) == 0;
}

ssize_t
process_children(pid_t parent, pid_t *ret, size_t size)
{
	struct children c = { .parent = parent, .pids = ret, .size = size };
	char path[PROC_PATH_SIZE];
	int result;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)parent);
	result = process_lists_children() ? each_number(path, add_thread, &c)
					  : process_each(add_if_child, &c);
	return result < 0 ? -1 : (ssize_t)c.n;
}

bool
process_descends(pid_t pid, pid_t ancestor)
{
	struct process p = { .ppid = pid };

	do {
		if (p.ppid == ancestor)
			return true;
	} while (p.ppid > 1 && process_read(p.ppid, &p) == 0);
	return false;
}
