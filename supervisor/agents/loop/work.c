#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "agents/common/transcript.h"
#include "agents/loop/attempt.h"
#include "agents/loop/intent.h"
#include "agents/loop/session.h"
#include "agents/loop/show.h"
#include "agents/loop/task.h"
#include "agents/loop/work.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/point.h"

#define LIFE_MS point_ms("LOOPKEEPER_LIFE_MS", 90000)

static void
not_started(struct runner *r, const char *what, int64_t now_ms)
{
	char detail[ATTEMPT_DETAIL_SIZE];
	struct buf b;

	buf_init(&b, detail, sizeof(detail));
	buf_addf(&b, "%s: %s", what, strerror(errno));
	attempt_interrupt(r, detail, now_ms);
}

static int64_t
startup_limit(const struct runner *r)
{
	const struct worker_preset *preset = r->worker.preset;

	if (r->config->startup_limit_ms >= 0)
		return r->config->startup_limit_ms;
	return preset != NULL ? preset->startup_limit_ms : 0;
}

/* Of a plain command nobody knows whether it writes before its end: it need
 * only do something. */
static int64_t
life_limit(const struct runner *r)
{
	if (r->config->startup_limit_ms >= 0 || r->worker.preset != NULL)
		return 0;
	return LIFE_MS;
}

/* What the worktree holds from now on is this attempt's (ready.c). */
static int
mark(struct runner *r)
{
	char text[UUID_SIZE + GIT_HASH_SIZE + 2];
	int n =
	    snprintf(text, sizeof(text), "%s %s\n", r->claim.key.id, r->base);

	return io_replace_file(AT_FDCWD, r->marker_path, text, (size_t)n, true);
}

/* The worker's words on one line. */
static void
note_command(struct runner *r)
{
	char line[1024];
	struct buf b;

	buf_init(&b, line, sizeof(line));
	for (size_t i = 0; r->worker.argv[i] != NULL; i++)
		buf_addf(&b, "%s%s", i > 0 ? " " : "", r->worker.argv[i]);
	line[strcspn(line, "\n")] = '\0';
	transcript_note(r->transcript_fd, "worker: %s", line);
}

/* How it is to be run; all of it is the runner's. */
static struct job_command
command_of(const struct runner *r)
{
	const struct loop_config *c = r->config;

	return (struct job_command){ .argv = r->worker.argv,
		.envp = r->worker.envp,
		.directory = r->place.trees[TREE_WORK].path,
		.stdin_path = r->worker.stdin_path,
		.output_fd = r->transcript_fd,
		.startup_limit_ms = startup_limit(r),
		.life_limit_ms = life_limit(r),
		.silence_limit_ms = c->silence_limit_ms,
		.input_limit_ms = c->input_limit_ms,
		.progress_limit_ms = c->progress_limit_ms,
		.output_max = c->max_output,
		.time_limit_ms = c->time_limit_ms };
}

/* The intent comes before the effect, and what can't be written isn't begun.
 * Returns whether it is. */
static bool
note_intent(struct runner *r, const struct job_command *command, int64_t now_ms)
{
	char *text =
	    intent_text(command, r->worker.prompt, &r->agent.conf->budget);
	int held = -1;

	if (text != NULL && agent_database(&r->agent) == 0)
		held = attempts_spawn(
		    &r->agent.store, &r->claim.key, r->transcript, text);
	free(text);
	r->lost = held == 0;
	if (held < 0)
		attempt_interrupt(
		    r, "what is to be run can't be noted", now_ms);
	else if (held == 0)
		attempt_give_up(r, now_ms);
	return held == 1;
}

static int
run_worker(struct runner *r, const struct job_command *command)
{
	show_prompt(r);
	note_command(r);
	r->job_offset = lseek(r->transcript_fd, 0, SEEK_END);
	if (output_begin(&r->output, r->transcript_fd, r->job_offset,
		r->worker.preset) < 0)
		return -1;
	/* Until it says so itself: it may be broken off before. */
	if (r->goes_on)
		(void)strlcpy(r->output.session_id, r->claim.session.id,
		    sizeof(r->output.session_id));
	r->is_worked = true;
	return job_start(&r->job, command);
}

void
work_start(struct runner *r, int64_t now_ms)
{
	char base[PATH_SIZE], what[PATH_SIZE] = "worker";
	struct job_command command;
	struct task_texts texts;
	struct task task;
	int prepared = -1;

	if (session_take_up(r) < 0) {
		attempt_interrupt(r, r->place.git.error, now_ms);
		return;
	}
	task_fill(&task, &texts, r);
	if (transcript_beside(r->transcript, "", base) == 0)
		prepared =
		    worker_prepare(&r->worker, r->config, &task, base, what);
	task_free(&texts);
	if (prepared < 0) {
		not_started(r, what, now_ms);
		return;
	}
	command = command_of(r);
	if (!note_intent(r, &command, now_ms))
		return;
	if (mark(r) < 0) {
		not_started(r, r->marker_path, now_ms);
		return;
	}
	if (run_worker(r, &command) < 0) {
		not_started(r, r->worker.argv[0], now_ms);
		return;
	}
	runner_enter(r, PHASE_WORK);
	attempt_note(r, ATTEMPT_RUNNING, r->job.pid, r->job.pid_start);
}
