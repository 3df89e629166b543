#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/loop/leftovers.h"
#include "base/io.h"
#include "base/text.h"
#include "store/claims.h"
#include "system/pidfd.h"
#include "system/process.h"

#define ENVIRONMENT_SIZE (256 * 1024)

struct search {
	struct agent *agent;
	char variable[128]; /* what marks a process of the attempt */
	char *environment;  /* of the process at hand */
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
		if (strcmp(p, s->variable) == 0)
			return true;
	return false;
}

static void
end_one(struct search *s, pid_t pid)
{
	char command[128];
	int fd = pidfd_get(pid);

	/* Looked at again with the pidfd in hand: it is the same one. */
	if (fd >= 0 && is_marked(s, pid)) {
		process_command(pid, command, sizeof(command));
		log_line(&s->agent->log,
		    "ending a process that an earlier run left: %s (pid %d)",
		    command, (int)pid);
		(void)pidfd_signal(fd, SIGKILL);
	}
	io_close(&fd);
}

static void
end_attempt(const char *attempt_id, void *argument)
{
	struct search *s = argument;
	struct dirent *entry;
	int64_t pid;
	DIR *proc = opendir("/proc");

	if (proc == NULL)
		return;
	(void)snprintf(s->variable, sizeof(s->variable),
	    "LOOPKEEPER_ATTEMPT_ID=%s", attempt_id);
	while ((entry = readdir(proc)) != NULL) {
		if (text_parse_int(entry->d_name, 1, INT32_MAX, &pid) == 0 &&
		    is_marked(s, (pid_t)pid))
			end_one(s, (pid_t)pid);
	}
	(void)closedir(proc);
}

int
leftovers_end(struct agent *a)
{
	struct search s = { .agent = a };
	int result;

	s.environment = malloc(ENVIRONMENT_SIZE);
	if (s.environment == NULL)
		return -1;
	result = claims_open_attempts(&a->store, a->name, end_attempt, &s);
	free(s.environment);
	return result;
}
