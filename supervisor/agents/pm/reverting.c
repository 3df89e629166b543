#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/string.h>

#include "agents/common/tail.h"
#include "agents/common/transcript.h"
#include "agents/pm/reverting.h"
#include "base/io.h"
#include "base/text.h"
#include "base/texts.h"
#include "conf/program.h"

#define TICK_MS	  1000
#define HURRY_MS  100	/* while it is being ended */
#define RETRY_MS  30000 /* after it was interrupted, or couldn't be done yet */
#define GRACE_MS  30000 /* it takes its worktree away */
#define TAIL_SIZE 4096

void
reverting_init(struct reverting *r, struct agent *a)
{
	*r = (struct reverting){ .agent = a, .output_fd = -1 };
}

/* What is between the keeper and us isn't for it; it acts in our name. */
static char **
make_environment(const struct agent *a)
{
	static const char *const private[] = { "NOTIFY_SOCKET=",
		"WATCHDOG_USEC=", "WATCHDOG_PID=", "LOOPKEEPER_COMPONENT=" };
	struct texts t = { 0 };

	for (size_t i = 0; environ[i] != NULL; i++) {
		size_t j = 0;

		while (j < 4 &&
		    strncmp(environ[i], private[j], strlen(private[j])) != 0)
			j++;
		if (j == 4)
			(void)texts_add(&t, environ[i]);
	}
	texts_addf(&t, "LOOPKEEPER_COMPONENT=%s", a->name);
	return texts_take(&t);
}

static char **
make_arguments(const struct reverting *r, const char *program,
    const struct regressed_commit *c)
{
	struct texts t = { 0 };

	(void)texts_add(&t, program);
	(void)texts_add(&t, "-c");
	(void)texts_add(&t, r->agent->conf->fleet.config_path);
	(void)texts_add(&t, "rollback");
	(void)texts_add(&t, c->loop_id);
	(void)texts_add(&t, "--commit");
	(void)texts_add(&t, c->commit);
	(void)texts_add(&t, "--yes");
	return texts_take(&t);
}

/* Returns 0, or -1 with errno. */
static int
open_output(struct reverting *r, const char *decision_id)
{
	char directory[PATH_SIZE];

	if (path_format(directory, "%s/pm", r->agent->state_directory) < 0)
		return -1;
	r->output_fd =
	    transcript_open(directory, decision_id, "rollback", r->output);
	return r->output_fd < 0 ? -1 : 0;
}

/* Returns 0, or -1 with errno. */
static int
run(struct reverting *r, const char *program, const struct regressed_commit *c)
{
	char **envp = make_environment(r->agent);
	char **argv = make_arguments(r, program, c);
	int result = -1, saved;

	/* Its tree must be proven empty here. */
	if (envp != NULL && argv != NULL &&
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
		result = job_start(&r->job,
		    &(struct job_command){ .argv = argv,
			.envp = envp,
			.directory = r->agent->state_directory,
			.output_fd = r->output_fd });
	saved = errno;
	texts_free(argv);
	texts_free(envp);
	errno = saved;
	return result;
}

static void
close_with(struct reverting *r, const char *error)
{
	io_close(&r->output_fd);
	(void)strlcpy(r->error, error, sizeof(r->error));
	text_clean(r->error);
}

static void
end(struct reverting *r, const char *error)
{
	close_with(r, error);
	r->is_over = true;
}

static void
start(struct reverting *r, const struct decision *d,
    const struct regressed_commit *c)
{
	struct program_path path;
	char program[PATH_SIZE], why[256];
	struct buf b;

	r->is_over = false;
	r->error[0] = '\0';
	r->retry_ms = 0;
	(void)strlcpy(r->decision_id, d->id, sizeof(r->decision_id));
	buf_init(&b, why, sizeof(why));
	program_path_init(&path);
	if (program_find(&path, "loopkeeper", "/", program, &b) < 0)
		end(r, why);
	else if (open_output(r, d->id) < 0 || run(r, program, c) < 0)
		end(r, strerror(errno));
	else
		log_line(&r->agent->log, "%s: rolling back %.12s of %s: see %s",
		    d->id, c->commit, c->loop_id, r->output);
}

bool
reverting_look(struct reverting *r, const struct decision *d,
    const struct regressed_commit *commit, int64_t now_ms)
{
	bool is_ours = strcmp(r->decision_id, d->id) == 0;

	if (r->job.running || r->agent->stopping)
		return false;
	if (is_ours && r->is_over)
		return true;
	if (now_ms >= r->retry_ms)
		start(r, d, commit);
	return r->is_over;
}

/* Why it couldn't be done: the first it complained of; what follows is only
 * more of it. */
static void
close_with_output(struct reverting *r)
{
	char *tail = tail_read(r->output_fd, 0, TAIL_SIZE);
	char *line, *rest = tail, *first = NULL;

	while (first == NULL && (line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, "loopkeeper: ", 12) == 0)
			first = line + 12;
	close_with(r, first != NULL ? first : "it doesn't say why");
	free(tail);
}

static void
postpone(struct reverting *r, const char *why, int64_t now_ms)
{
	log_line(&r->agent->log, "%s: rollback: %s; trying again",
	    r->decision_id, why);
	r->retry_ms = now_ms + RETRY_MS;
}

bool
reverting_poll(struct reverting *r, int64_t now_ms)
{
	char how[160];

	if (!job_poll(&r->job, now_ms))
		return false;
	job_describe(&r->job, how, sizeof(how));
	if (r->job.cause == JOB_EXITED && r->job.code == 0) {
		end(r, "");
	} else if (r->job.cause == JOB_EXITED) {
		close_with_output(r);
		r->is_over = r->job.code != EX_TEMPFAIL;
		if (!r->is_over)
			postpone(r, r->error, now_ms);
	} else if (r->job.cause == JOB_NOT_STARTED) {
		end(r, how);
	} else {
		io_close(&r->output_fd);
		postpone(r, how, now_ms);
	}
	return r->is_over || r->error[0] != '\0';
}

void
reverting_stop(struct reverting *r, int64_t now_ms)
{
	job_end(&r->job, JOB_STOPPED, GRACE_MS, now_ms);
}

bool
reverting_is_busy(const struct reverting *r)
{
	return r->job.running;
}

int64_t
reverting_next_ms(const struct reverting *r, int64_t now_ms)
{
	const struct job *j = &r->job;

	if (!j->running)
		return 0;
	return now_ms + (j->kill_ms != 0 || j->pid == 0 ? HURRY_MS : TICK_MS);
}
