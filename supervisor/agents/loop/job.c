#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/loop/job.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/io.h"
#include "system/process.h"
#include "system/spawn.h"
#include "system/tree.h"

#define GRACE_MS (5 * 1000)

static void
fill_spawn(struct spawn *s, const struct job_command *command)
{
	spawn_init(s);
	s->argv = command->argv;
	s->envp = command->envp;
	s->directory = command->directory;
	s->stdout_fd = command->output_fd;
	s->stderr_fd = command->output_fd;
	s->session = true;
	s->death_signal = SIGKILL;
}

int
job_start(struct job *j, const struct job_command *command, int64_t now_ms)
{
	const char *input = command->stdin_path;
	struct spawn_failure failure = { 0 };
	struct process self;
	struct spawn s;
	pid_t pid;
	int fd;

	*j = (struct job){ .error_fd = -1,
		.started_ms = now_ms,
		.time_limit_ms = command->time_limit_ms,
		.silence_limit_ms = command->silence_limit_ms,
		.grace_ms = GRACE_MS };
	fd = open(input != NULL ? input : "/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	vitals_begin(
	    &j->vitals, command->output_fd, command->directory, now_ms);
	fill_spawn(&s, command);
	s.stdin_fd = fd;
	pid = spawn_start(&s, &j->error_fd, &failure);
	io_close(&fd);
	if (pid < 0) {
		errno = failure.error;
		return -1;
	}
	j->running = true;
	j->pid = j->session = pid;
	if (process_read(pid, &self) == 0)
		j->pid_start = self.start;
	return 0;
}

/* The first cause stays: what follows is only how it was brought to an end. */
static void
set_cause(struct job *j, enum job_cause cause, int code)
{
	if (j->cause_known)
		return;
	j->cause_known = true;
	j->cause = cause;
	j->code = code;
}

static void
read_start(struct job *j)
{
	struct spawn_failure failure;
	int result;

	if (j->error_fd < 0)
		return;
	result = spawn_result(j->error_fd, &failure);
	if (result < 0) {
		set_cause(j, JOB_NOT_STARTED, failure.error);
		j->stage = failure.stage;
	}
	if (result != 0)
		io_close(&j->error_fd);
}

static void
list_leftover(void *context, pid_t pid)
{
	struct job *j = context;
	size_t len = strlen(j->leftovers);
	char command[128];
	struct process p;
	struct buf b;

	if (process_read(pid, &p) < 0 || p.state == 'Z' || p.state == 'X')
		return;
	process_command(pid, command, sizeof(command));
	buf_init(&b, j->leftovers + len, sizeof(j->leftovers) - len);
	buf_addf(&b, "%s%s (pid %d)", len > 0 ? ", " : "",
	    command[0] != '\0' ? command : p.comm, (int)pid);
}

/* Reaps all that has ended. Returns true when no child is left. */
static bool
reap(struct job *j)
{
	struct tree_exit e;

	for (;;) {
		if (tree_reap(&e) < 0)
			return true;
		if (e.pid == 0)
			return false;
		if (e.pid != j->pid)
			continue;
		j->pid = 0;
		read_start(j); /* before its end could be taken for one */
		set_cause(j, e.signalled ? JOB_SIGNALLED : JOB_EXITED, e.code);
		if (j->kill_ms == 0)
			(void)tree_walk(getpid(), list_leftover, j);
	}
}

static void
ask(struct job *j, int64_t grace_ms, int64_t now_ms)
{
	bool first = j->kill_ms == 0;

	if (first || now_ms + grace_ms < j->kill_ms)
		j->kill_ms = now_ms + grace_ms;
	if (first && j->pid > 0) {
		/* Its session began as its process group; who left it will be
		 * killed. */
		(void)kill(-j->session, SIGTERM);
		(void)kill(-j->session, SIGCONT);
	}
}

void
job_stop(struct job *j, int64_t grace_ms, int64_t now_ms)
{
	if (!j->running)
		return;
	set_cause(j, JOB_STOPPED, 0);
	ask(j, grace_ms, now_ms);
}

static void
read_clocks(struct job *j, int64_t now_ms)
{
	int64_t silence_ms =
	    vitals_silence(&j->vitals, j->silence_limit_ms, now_ms);

	if (j->pid == 0 || j->kill_ms != 0)
		return;
	if (now_ms - j->started_ms >= j->time_limit_ms) {
		set_cause(j, JOB_TIMEOUT, 0);
		ask(j, j->grace_ms, now_ms);
	} else if (j->silence_limit_ms > 0 &&
	    silence_ms >= j->silence_limit_ms) {
		set_cause(j, JOB_SILENT, 0);
		ask(j, j->grace_ms, now_ms);
	}
}

bool
job_poll(struct job *j, int64_t now_ms)
{
	struct tree_report report;

	if (!j->running)
		return false;
	read_start(j);
	if (reap(j)) {
		io_close(&j->error_fd);
		j->running = false;
		return true;
	}
	read_clocks(j, now_ms);
	if (j->pid == 0 || (j->kill_ms != 0 && now_ms >= j->kill_ms)) {
		/* Again at each SIGCHLD, until nobody is left to become our
		 * child. */
		(void)tree_kill(NULL, NULL, &report);
	}
	return false;
}

void
job_describe(const struct job *j, char *buf, size_t size)
{
	char duration[DURATION_SIZE];

	switch (j->cause) {
	case JOB_EXITED: (void)snprintf(buf, size, "exit %d", j->code); break;
	case JOB_SIGNALLED:
		(void)snprintf(
		    buf, size, "signal %d (%s)", j->code, strsignal(j->code));
		break;
	case JOB_NOT_STARTED:
		(void)snprintf(buf, size, "not started: %s: %s",
		    spawn_stage_name(j->stage), strerror(j->code));
		break;
	case JOB_TIMEOUT:
		duration_format_exact(duration, j->time_limit_ms);
		(void)snprintf(buf, size, "over its time of %s", duration);
		break;
	case JOB_SILENT:
		duration_format_exact(duration, j->silence_limit_ms);
		(void)snprintf(buf, size, "silent for %s", duration);
		break;
	case JOB_STOPPED: (void)snprintf(buf, size, "stopped"); break;
	}
}
