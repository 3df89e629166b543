#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "system/marked.h"
#include "system/pidfd.h"
#include "system/process.h"

#define ENVIRONMENT_SIZE (256 * 1024)
#define END_MS		 5000 /* what is still there then can't be killed */

struct search {
	const struct marked *marked;
	char *mark;	   /* NAME=VALUE; owned */
	char *environment; /* of the process at hand; owned */
};

static bool
is_marked(struct search *s, pid_t pid)
{
	char path[64];
	const char *p;
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, s->environment, ENVIRONMENT_SIZE - 1);
	io_close(&fd);
	if (len <= 0)
		return false;
	s->environment[len] = '\0';
	for (p = s->environment; p < s->environment + len; p += strlen(p) + 1)
		if (strcmp(p, s->mark) == 0)
			return true;
	return false;
}

/* Kills it and waits for its end. Returns 1, 0 when it is none of ours, or
 * gone by itself, -1 when it stays. */
static int
end_one(struct search *s, pid_t pid)
{
	const struct marked *m = s->marked;
	struct pollfd end = { .fd = pidfd_get(pid), .events = POLLIN };
	char command[128];
	int result = 0;

	/* Looked at again with the pidfd in hand: it is the same one. */
	if (end.fd >= 0 && is_marked(s, pid)) {
		process_command(pid, command, sizeof(command));
		m->tell(m->context, pid, command, false);
		(void)pidfd_signal(end.fd, SIGKILL);
		result = poll(&end, 1, END_MS) == 1 ? 1 : -1;
		if (result < 0)
			m->tell(m->context, pid, command, true);
	}
	io_close(&end.fd);
	return result;
}

/* One look at all that run. Returns how many were ended, or -1. */
static int
end_all(struct search *s)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int n = 0, ended = 0;
	int64_t pid;

	if (proc == NULL)
		return -1;
	while (ended >= 0 && (entry = readdir(proc)) != NULL) {
		if (text_parse_int(entry->d_name, 1, INT32_MAX, &pid) < 0 ||
		    !is_marked(s, (pid_t)pid))
			continue;
		ended = end_one(s, (pid_t)pid);
		n += ended > 0;
	}
	(void)closedir(proc);
	return ended < 0 ? -1 : n;
}

int
marked_end(const struct marked *m)
{
	const char *own = getenv(m->variable);
	struct search s = { .marked = m };
	int n = -1;

	/* Begun by one of them, as the whole fleet may be, we and all others
	 * bear the mark, and nothing can be told by it. */
	if (own != NULL && strcmp(own, m->value) == 0)
		return 0;

	s.environment = malloc(ENVIRONMENT_SIZE);
	if (asprintf(&s.mark, "%s=%s", m->variable, m->value) < 0)
		s.mark = NULL;
	/* One that forked while they were looked at has left another. */
	if (s.environment != NULL && s.mark != NULL)
		do
			n = end_all(&s);
		while (n > 0);
	free(s.mark);
	free(s.environment);
	return n;
}
