/* Between two tests: who died before us, whether we may work, what next. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/loop/leftovers.h"
#include "agents/loop/runner.h"
#include "base/clock.h"
#include "base/io.h"

/* Makes us known to this database and repairs what a predecessor left in it.
 * Returns whether that is done. */
static bool
begin(struct runner *r)
{
	struct agent *a = &r->agent;
	int repaired = -1;

	if (strcmp(r->begun_epoch, a->store.epoch) == 0)
		return true;
	if (outcome_apply(r->outcome_path, &a->store, &a->log) == 0 &&
	    leftovers_end(a) == 0)
		repaired = claims_begin(&a->store, a->name, r->config->title,
		    r->config->priority, r->config->branch);
	if (repaired < 0) {
		agent_failed(a, "taking up the queue");
		return false;
	}
	if (repaired > 0)
		log_line(&a->log,
		    "%d attempt%s of an earlier run ended; pending again",
		    repaired, repaired > 1 ? "s" : "");
	(void)snprintf(
	    r->begun_epoch, sizeof(r->begun_epoch), "%s", a->store.epoch);
	r->look = true;
	return true;
}

static void
start_setup(struct runner *r, int64_t now_ms)
{
	char shell[] = "/bin/sh", option[] = "-c", path[PATH_SIZE];
	char *command = strdup(r->config->setup);
	char *const argv[] = { shell, option, command, NULL };
	char **envp = worker_environment(r->config, NULL, NULL);

	if (path_format(path, "%s/logs", r->specs) == 0 &&
	    path_make(path, 0700) == 0 &&
	    path_format(path, "%s/logs/setup.log", r->specs) == 0)
		r->transcript_fd = open(path,
		    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (r->transcript_fd < 0 || command == NULL || envp == NULL ||
	    job_start(&r->job,
		&(struct job_command){ .argv = argv,
		    .envp = envp,
		    .directory = r->config->repository,
		    .output_fd = r->transcript_fd,
		    .time_limit_ms = r->config->time_limit_ms,
		    .silence_limit_ms = r->config->silence_limit_ms },
		now_ms) < 0) {
		log_line(&r->agent.log, "setup: %s: %s", path, strerror(errno));
		io_close(&r->transcript_fd);
		r->failed = true;
	} else {
		runner_enter(r, PHASE_SETUP);
	}
	worker_free_list(envp);
	free(command);
}

void
idle_set_up(struct runner *r)
{
	char text[128];

	io_close(&r->transcript_fd);
	if (r->job.cause == JOB_EXITED && r->job.code == 0) {
		r->set_up = true;
	} else if (!r->agent.stopping) {
		job_describe(&r->job, text, sizeof(text));
		log_line(&r->agent.log, "setup: %s: see %s/logs/setup.log",
		    text, r->specs);
		r->failed = true;
	}
	runner_enter(r, PHASE_IDLE);
}

static void
tell_empty(struct runner *r)
{
	struct event e;

	if (r->told_empty || r->counts.pending + r->counts.in_progress > 0)
		return;
	event_begin(&e, r->agent.name, "queue_empty", r->agent.store.epoch);
	event_text(&e, "loop_id", r->agent.name);
	event_int(&e, "passed", r->counts.passed);
	event_int(&e, "failed", r->counts.failed);
	/* A full spool counts what it loses itself. */
	(void)spool_add(&r->agent.spool, &e);
	log_line(&r->agent.log, "the queue is empty");
	r->told_empty = true;
}

static void
claim(struct runner *r, int64_t now_ms)
{
	struct agent *a = &r->agent;
	struct claim_request request = { .loop_id = a->name,
		.boot_id = r->boot_id,
		.max_attempts = r->config->max_attempts,
		.no_overlap = a->mode == MODE_SLOW };
	bool locked = false;
	int found = claims_take(&a->store, &request, &r->claim, &locked);

	if (found < 0 || claims_count(&a->store, a->name, &r->counts) < 0) {
		agent_failed(a, "claiming a test");
		if (found <= 0)
			return;
	}
	r->look = false;
	r->counted = true;
	r->blocked_by_file = locked;
	if (found > 0) {
		r->told_empty = false;
		attempt_begin(r, now_ms);
	} else {
		tell_empty(r);
		health_publish(r, true);
	}
}

/* Whether the database has changed since the last look, or we have. */
static bool
is_news(struct runner *r)
{
	int64_t version;

	if (claims_version(&r->agent.store, &version) < 0) {
		agent_failed(&r->agent, "looking for tests");
		return false;
	}
	if (version != r->version)
		r->look = true;
	r->version = version;
	return r->look;
}

void
idle_step(struct runner *r, int64_t now_ms)
{
	struct agent *a = &r->agent;

	if (a->stopping || agent_database(a) < 0 || !begin(r))
		return;
	if (r->config->setup[0] != '\0' && !r->set_up) {
		start_setup(r, now_ms);
		return;
	}
	if (a->draining || now_ms < r->not_before_ms)
		return;
	if (is_news(r))
		claim(r, now_ms);
}
