#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/shell.h"
#include "system/pidfd.h"
#include "system/spawn.h"
#include "system/tree.h"

#define LOOK_MS 50

static pid_t
start(const struct shell *s, int output)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
		(char *)(uintptr_t)s->command, NULL };
	struct spawn_failure failure = { 0 };
	struct spawn spawn;
	int error_fd = -1, in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (in < 0)
		return -1;
	spawn_init(&spawn);
	spawn.argv = argv;
	spawn.envp = s->envp;
	spawn.directory = s->directory;
	spawn.stdin_fd = in;
	spawn.stdout_fd = spawn.stderr_fd = output;
	spawn.session = true;
	spawn.death_signal = SIGKILL;
	pid = spawn_start(&spawn, &error_fd, &failure);
	/* That sh can't be executed is an exit status for us. */
	io_close(&error_fd);
	io_close(&in);
	if (pid < 0)
		errno = failure.error;
	return pid;
}

/* Why it is to be ended: an errno, or 0. */
static int
judge(const struct shell *s, int64_t end_ms)
{
	if (!s->go_on(s->argument))
		return ECANCELED;
	return clock_ms() >= end_ms ? ETIMEDOUT : 0;
}

/* Until no process of it is left. */
static int
attend(pid_t pid, const struct shell *s)
{
	int64_t end_ms = clock_ms() + s->limit_ms;
	int pidfd = pidfd_get(pid), status = -1, error = 0;
	struct tree_report report;
	struct tree_exit e;

	while (tree_reap(&e) == 0) {
		if (e.pid == pid) {
			status = e.signalled ? 128 + e.code : e.code;
			io_close(&pidfd);
			pid = 0;
		}
		if (e.pid != 0)
			continue;
		if (pid != 0 && error == 0)
			error = judge(s, end_ms);
		if (pid == 0 || error != 0)
			(void)tree_kill(NULL, NULL, &report);
		(void)poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1,
		    pid != 0 && error == 0 ? LOOK_MS : 1);
	}
	io_close(&pidfd);
	if (error != 0)
		errno = error;
	return error != 0 ? -1 : status;
}

static void
read_tail(int fd, char tail[static SHELL_TAIL_SIZE])
{
	struct stat st;
	ssize_t n = 0;
	off_t at = 0;

	if (fstat(fd, &st) == 0 && st.st_size > SHELL_TAIL_SIZE - 1)
		at = st.st_size - (SHELL_TAIL_SIZE - 1);
	n = pread(fd, tail, SHELL_TAIL_SIZE - 1, at);
	tail[n > 0 ? n : 0] = '\0';
}

int
shell_run(const struct shell *s, char tail[static SHELL_TAIL_SIZE])
{
	int output, status = -1, saved;
	pid_t pid;

	tail[0] = '\0';
	output = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	if (output < 0) /* not every file system can */
		output = memfd_create("output", MFD_CLOEXEC);
	if (output < 0)
		return -1;
	/* What leaves its session still falls to us. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 &&
	    (pid = start(s, output)) >= 0)
		status = attend(pid, s);
	saved = errno;
	read_tail(output, tail);
	io_close(&output);
	errno = saved;
	return status;
}
