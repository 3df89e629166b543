#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <jansson.h>

#include "agents/loop/attempt.h"
#include "agents/loop/close.h"
#include "agents/loop/health.h"
#include "agents/loop/idle.h"
#include "agents/loop/integrate.h"
#include "agents/loop/ready.h"
#include "agents/loop/runner.h"
#include "agents/loop/show.h"
#include "base/clock.h"
#include "base/io.h"
#include "store/alive.h"

#define TICK_MS	 1000
#define HURRY_MS 100 /* while a tree is being ended */

static int
make_paths(struct runner *r)
{
	char spool[PATH_SIZE];

	return path_format(r->specs, "%s/specs", r->config->directory) < 0 ||
		path_make(r->specs, 0700) < 0 ||
		path_format(r->health_path, "%s/health.json", r->specs) < 0 ||
		path_format(r->marker_path, "%s/attempt", r->specs) < 0 ||
		path_format(spool, "%s/spool", r->agent.state_directory) < 0 ||
		path_make(spool, 0700) < 0 ||
		path_format(
		    r->outcome_path, "%s/%s.outcome", spool, r->agent.name) < 0
	    ? -1
	    : 0;
}

/* There is one process of a loop: what is in progress is its own. */
static int
take_lock(struct runner *r)
{
	const struct agent *a = &r->agent;

	r->lock_fd = alive_lock(a->state_directory, a->name);
	if (r->lock_fd >= 0)
		return 0;
	if (errno == EAGAIN)
		log_line(&a->log,
		    "another process runs this loop already (pid %d)%s%s",
		    (int)alive_holder(a->state_directory, a->name),
		    r->only_test != NULL ? ": loopkeeper pause " : "",
		    r->only_test != NULL ? a->name : "");
	else
		log_line(&a->log, "%s/locks/%s: %s", a->state_directory,
		    a->name, strerror(errno));
	return 1;
}

static void
fill_hooks(struct runner *r)
{
	char self[PATH_SIZE], directory[PATH_SIZE];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	/* It lies beside us, built or installed. */
	if (path_dirname(directory, self) < 0 ||
	    path_format(r->program, "%s/loopkeeper", directory) < 0)
		r->program[0] = '\0';
	r->hooks = (struct hooks){ .directory = r->config->directory,
		.loop = r->config->name,
		.repository = r->config->repository,
		.common = r->place.git.common,
		.branch = r->config->branch,
		.integration_branch = r->config->integration_branch,
		.repository_hooks = r->config->repository_hooks,
		.program = r->program,
		.config = r->agent.conf->fleet.config_path };
}

/* While git is waited for. */
static bool
go_on(void *argument)
{
	struct runner *r = argument;

	agent_beat(&r->agent);
	return true;
}

int
runner_open(struct runner *r, int argc, char **argv)
{
	int code;

	*r = (struct runner){
		.lock_fd = -1, .transcript_fd = -1, .merge_fd = -1
	};
	/* loopkeeper-loop --one TEST ...: for run-one. */
	if (argc > 2 && strcmp(argv[1], "--one") == 0) {
		r->only_test = argv[2];
		argv[2] = argv[0];
		argc -= 2;
		argv += 2;
	}
	code = agent_begin(&r->agent, argc, argv, NULL);
	if (code != 0)
		return code;
	r->config = conf_loop(r->agent.conf, r->agent.name);
	if (r->config == NULL) {
		log_line(&r->agent.log,
		    "%s has no component %s with a `loop` group",
		    r->agent.conf->fleet.config_path, r->agent.name);
		return 1;
	}
	if (make_paths(r) < 0) {
		log_line(&r->agent.log, "%s: %s", r->config->directory,
		    strerror(errno));
		return 1;
	}
	/* Without it an orphan of a worker would fall to the keeper, and no
	 * tree could be proven empty here. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
		log_line(&r->agent.log, "cannot become a subreaper: %s",
		    strerror(errno));
		return 1;
	}
	(void)process_boot_id(r->boot_id);
	fill_hooks(r);
	if (workplace_init(
		&r->place, r->config, r->agent.state_directory, go_on, r) < 0) {
		log_line(&r->agent.log, "out of memory");
		return 1;
	}
	return take_lock(r);
}

void
runner_close(struct runner *r)
{
	output_end(&r->output);
	claims_free(&r->claim);
	worker_free(&r->worker);
	passing_free(&r->rechecks);
	waits_free(&r->waits);
	workplace_free(&r->place);
	free(r->failure);
	free(r->changed_json);
	io_close(&r->merge_fd);
	io_close(&r->transcript_fd);
	agent_finish(&r->agent);
	io_close(&r->lock_fd);
}

bool
runner_has_claim(const struct runner *r)
{
	return r->phase != PHASE_IDLE && r->phase != PHASE_SETUP;
}

void
runner_enter(struct runner *r, enum phase phase)
{
	r->phase = phase;
	health_publish(r, true);
}

char *
runner_list_loops(const struct runner *r)
{
	const struct conf *conf = r->agent.conf;
	json_t *loops = json_array();
	char *text;

	for (size_t i = 0; i < conf->nloops; i++) {
		const struct loop_config *c = &conf->loops[i];

		if (strcmp(c->repository, r->config->repository) == 0 &&
		    strcmp(c->integration_branch,
			r->config->integration_branch) == 0)
			(void)json_array_append_new(
			    loops, json_string(c->name));
	}
	text = json_dumps(loops, JSON_COMPACT);
	json_decref(loops);
	return text;
}

static void
step(struct runner *r, int64_t now_ms)
{
	bool is_over = job_poll(&r->job, now_ms);

	switch (r->phase) {
	case PHASE_IDLE: idle_step(r, now_ms); break;
	case PHASE_SETUP:
		if (r->agent.stopping)
			job_end(&r->job, JOB_STOPPED, 0, now_ms);
		if (is_over)
			ready_set_up(r, now_ms);
		break;
	case PHASE_CHECK:
	case PHASE_WORK:
	case PHASE_RESETUP:
	case PHASE_VERIFY:
	case PHASE_RECHECK:
		if (is_over)
			attempt_next(r, now_ms);
		else
			attempt_watch(r, now_ms);
		break;
	case PHASE_INTEGRATE: integrate_step(r, now_ms); break;
	case PHASE_WRITE: close_step(r, now_ms); break;
	}
}

/* Told to stop, nothing runs any more, and the outcome is kept somewhere (or
 * can't be: then the successor repairs). */
static bool
is_over(const struct runner *r)
{
	return (r->finished && r->phase == PHASE_IDLE) ||
	    (r->agent.stopping &&
		(r->phase == PHASE_IDLE || r->phase == PHASE_WRITE));
}

/* A loop that has nothing to do sleeps until there is news. */
static bool
is_idle(const struct runner *r)
{
	const struct agent *a = &r->agent;

	return r->phase == PHASE_IDLE &&
	    (a->store.db != NULL || a->mode == MODE_FILE_BASED);
}

/* A tick at most; sooner when there is something to wait for. */
static int64_t
next_ms(const struct runner *r, int64_t now_ms)
{
	const struct agent *a = &r->agent;
	bool may = a->mode != MODE_FILE_BASED &&
	    (!a->draining || r->only_test != NULL);
	int64_t due_ms = a->retry_ms;

	if (r->phase == PHASE_INTEGRATE ||
	    (r->job.running && (r->job.kill_ms != 0 || r->job.pid == 0)))
		return now_ms + HURRY_MS;
	if (!is_idle(r))
		return now_ms + TICK_MS;
	if (!may || (!r->look && r->retry_ms == 0))
		return due_ms > now_ms ? due_ms : 0;
	if (r->not_before_ms > due_ms)
		due_ms = r->not_before_ms;
	if (!r->look && r->retry_ms > due_ms)
		due_ms = r->retry_ms;
	return due_ms > now_ms ? due_ms : now_ms;
}

static void
finish(struct runner *r)
{
	struct agent *a = &r->agent;

	if (r->phase == PHASE_IDLE && a->store.db != NULL &&
	    claims_finish(&a->store, a->name) < 0)
		agent_failed(a, "saying goodbye");
	/* What it was at is in the queue again, or will be. */
	if (a->store.db != NULL &&
	    claims_count(&a->store, a->name, &r->counts) == 0)
		r->counted = true;
	r->counts.pending += r->counts.in_progress;
	health_stopped(r);
}

int
runner_run(struct runner *r)
{
	agent_ready(&r->agent);
	for (;;) {
		int64_t now_ms = clock_ms();
		bool news = agent_look(&r->agent);

		r->look |= news;
		step(r, now_ms);
		show_more(r);
		health_publish(r, news);
		if (is_over(r))
			break;
		if (agent_wait(&r->agent, next_ms(r, now_ms), is_idle(r)) < 0)
			return 1;
	}
	finish(r);
	return r->failed ? 1 : 0;
}
