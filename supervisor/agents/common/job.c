#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/common/job.h"
#include "agents/common/transcript.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/io.h"
#include "base/size.h"
#include "system/process.h"
#include "system/spawn.h"
#include "system/tree.h"

#define GRACE_MS (5 * 1000)
#define FLOOD_MS 1000 /* the same for one that fills the disk meanwhile */
#define LOOKS	 4    /* at the files, within a limit */

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
job_start(struct job *j, const struct job_command *command)
{
	const char *input = command->stdin_path;
	struct spawn_failure failure = { 0 };
	struct process self;
	struct spawn s;
	pid_t pid;
	int fd;

	*j = (struct job){ .error_fd = -1, .limits = *command };
	fd = open(input != NULL ? input : "/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	j->vitals.output_fd = command->output_fd;
	j->vitals.repository = command->directory;
	j->vitals.quiet_ms = command->silence_limit_ms / LOOKS;
	j->vitals.progress_ms = command->progress_limit_ms / LOOKS;
	j->vitals.asks_life = command->life_limit_ms > 0;
	vitals_begin(&j->vitals);
	fill_spawn(&s, command);
	s.stdin_fd = fd;
	pid = spawn_start(&s, &j->error_fd, &failure);
	io_close(&fd);
	if (pid < 0) {
		errno = failure.error;
		return -1;
	}
	j->running = true;
	j->started_ms = clock_ms();
	j->pid = j->session = pid;
	if (process_read(pid, &self) == 0)
		j->pid_start = self.start;
	return 0;
}

int
job_start_shell(
    struct job *j, const char *text, const struct job_command *command)
{
	char shell[] = "/bin/sh", option[] = "-c", *copy = strdup(text);
	char *const argv[] = { shell, option, copy, NULL };
	struct job_command whole = *command;
	int result = -1, saved;

	whole.argv = argv;
	if (copy != NULL)
		result = job_start(j, &whole);
	saved = errno;
	free(copy);
	errno = saved;
	return result;
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

/* A step towards its end, in the transcript and for the one who keeps it. */
static void
take_step(struct job *j)
{
	j->is_step_new = true;
	transcript_note(j->vitals.output_fd, "%s", j->step);
}

static void
ask(struct job *j, int64_t grace_ms, int64_t now_ms)
{
	bool first = j->kill_ms == 0;
	char why[128];

	if (first || now_ms + grace_ms < j->kill_ms)
		j->kill_ms = now_ms + grace_ms;
	if (!first || j->pid <= 0)
		return;
	j->asked_ms = now_ms;
	job_describe(j, why, sizeof(why));
	(void)snprintf(
	    j->step, sizeof(j->step), "%s: asked to end (TERM)", why);
	take_step(j);
	/* Its session began as its process group; who left it will be
	 * killed. */
	(void)kill(-j->session, SIGTERM);
	(void)kill(-j->session, SIGCONT);
}

/* Again at each SIGCHLD, until nobody is left to become our child. */
static void
end_tree(struct job *j, int64_t now_ms)
{
	char duration[DURATION_SIZE];
	struct tree_report report;

	if (j->pid != 0 && !j->is_killed) {
		j->is_killed = true;
		duration_format(duration, now_ms - j->asked_ms);
		(void)snprintf(j->step, sizeof(j->step),
		    "still there after %s: killed (KILL)", duration);
		take_step(j);
	}
	(void)tree_kill(NULL, NULL, &report);
}

void
job_end(struct job *j, enum job_cause cause, int64_t grace_ms, int64_t now_ms)
{
	if (!j->running)
		return;
	set_cause(j, cause, 0);
	ask(j, grace_ms, now_ms);
}

static bool
is_over(int64_t since_ms, int64_t limit_ms, int64_t now_ms)
{
	return limit_ms > 0 && now_ms - since_ms >= limit_ms;
}

/* Asked once: what has lived is left to the other clocks. */
static bool
is_lifeless(struct job *j, int64_t now_ms)
{
	if (!is_over(j->started_ms, j->limits.life_limit_ms, now_ms))
		return false;
	if (!vitals_has_life(&j->vitals, now_ms))
		return true;
	j->limits.life_limit_ms = 0;
	return false;
}

static bool
is_flood(const struct job *j)
{
	const struct vitals *v = &j->vitals;
	int64_t max = j->limits.output_max;

	return max > 0 && v->output_size - v->output_begin > max;
}

static void
read_clocks(struct job *j, int64_t now_ms)
{
	const struct job_command *limits = &j->limits;
	struct vitals *v = &j->vitals;
	bool is_alone;

	vitals_look(v, now_ms);
	/* Also when it has been asked to end already. */
	if (is_flood(j))
		job_end(j, JOB_FLOOD, FLOOD_MS, now_ms);
	if (j->pid == 0 || j->kill_ms != 0)
		return;
	is_alone = v->nprocesses == 1;
	if (is_over(j->started_ms, limits->time_limit_ms, now_ms))
		job_end(j, JOB_TIMEOUT, GRACE_MS, now_ms);
	else if (!v->has_output &&
	    is_over(j->started_ms, limits->startup_limit_ms, now_ms))
		job_end(j, JOB_NO_OUTPUT, GRACE_MS, now_ms);
	else if (is_lifeless(j, now_ms))
		job_end(j, JOB_NO_LIFE, GRACE_MS, now_ms);
	else if (is_over(v->sign_ms, limits->silence_limit_ms, now_ms))
		job_end(j, JOB_SILENT, GRACE_MS, now_ms);
	else if (is_alone &&
	    is_over(v->stir_ms, limits->input_limit_ms, now_ms))
		job_end(j, JOB_WAITING, GRACE_MS, now_ms);
	else if (is_over(v->change_ms, limits->progress_limit_ms, now_ms))
		job_end(j, JOB_NO_PROGRESS, GRACE_MS, now_ms);
}

bool
job_poll(struct job *j, int64_t now_ms)
{
	if (!j->running)
		return false;
	read_start(j);
	if (reap(j)) {
		io_close(&j->error_fd);
		j->running = false;
		return true;
	}
	read_clocks(j, now_ms);
	if (j->pid == 0 || (j->kill_ms != 0 && now_ms >= j->kill_ms))
		end_tree(j, now_ms);
	return false;
}

const char *
job_new_step(struct job *j)
{
	if (!j->is_step_new)
		return NULL;
	j->is_step_new = false;
	return j->step;
}

/* "silent for 5m". */
static void
describe_limit(char *buf, size_t size, const char *what, int64_t limit_ms)
{
	char duration[DURATION_SIZE];

	duration_format_exact(duration, limit_ms);
	(void)snprintf(buf, size, "%s%s", what, duration);
}

void
job_describe(const struct job *j, char *buf, size_t size)
{
	const struct job_command *l = &j->limits;
	char max[SIZE_TEXT_SIZE];

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
		describe_limit(
		    buf, size, "over its time of ", l->time_limit_ms);
		break;
	case JOB_NO_OUTPUT:
		describe_limit(
		    buf, size, "no output within ", l->startup_limit_ms);
		break;
	case JOB_NO_LIFE:
		describe_limit(
		    buf, size, "no sign of life within ", l->life_limit_ms);
		break;
	case JOB_SILENT:
		describe_limit(buf, size, "silent for ", l->silence_limit_ms);
		break;
	case JOB_WAITING:
		describe_limit(buf, size, "it waits for input: nothing for ",
		    l->input_limit_ms);
		break;
	case JOB_NO_PROGRESS:
		describe_limit(
		    buf, size, "no file changed for ", l->progress_limit_ms);
		break;
	case JOB_FLOOD:
		size_format_exact(max, l->output_max);
		(void)snprintf(buf, size, "over its output of %s", max);
		break;
	case JOB_STUCK: (void)snprintf(buf, size, "%s", j->why); break;
	case JOB_FINISHED:
		(void)snprintf(buf, size, "done, but it didn't go");
		break;
	case JOB_BUDGET: (void)snprintf(buf, size, "out of budget"); break;
	case JOB_STOPPED: (void)snprintf(buf, size, "stopped"); break;
	}
}
