#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "agents/common/transcript.h"
#include "agents/monitor/probe.h"
#include "conf/loop_environment.h"

/* Whose settings hold: of its own loop. */
static const struct loop_config *
config_of(const struct probe *p)
{
	const struct loop_config *config = conf_loop(p->conf, p->test->loop_id);

	return config != NULL ? config : p->branch->config;
}

static char **
make_environment(const struct probe *p)
{
	struct texts t = { 0 };

	loop_environment_add(&t,
	    &(struct loop_environment){ .config = config_of(p),
		.index = p->branch->index,
		.directory = p->branch->directory });
	texts_addf(&t, "LOOPKEEPER_TEST_ID=%s", p->test->id);
	texts_addf(&t, "LOOPKEEPER_VERIFY=%s", p->test->verify);
	return texts_take(&t);
}

/* Returns 0, or -1 with a text in error. */
static int
run(struct probe *p, const char *command, int64_t limit_ms)
{
	char **envp = make_environment(p);
	int result = -1, saved;

	transcript_note(p->output_fd, "%s on %.12s: %s",
	    p->is_setup ? "setup" : p->test->id, p->commit, command);
	if (envp != NULL)
		result = job_start_shell(&p->job, command,
		    &(struct job_command){ .envp = envp,
			.directory = p->branch->tree.path,
			.output_fd = p->output_fd,
			.time_limit_ms = limit_ms,
			.output_max = config_of(p)->max_output });
	saved = errno;
	if (result < 0)
		(void)snprintf(p->error, sizeof(p->error),
		    "%s can't be started: %s", p->is_setup ? "setup" : "verify",
		    strerror(errno));
	texts_free(envp);
	errno = saved;
	return result;
}

static int
verify(struct probe *p)
{
	p->is_setup = false;
	return run(p, p->test->verify, config_of(p)->verify_limit_ms);
}

int
probe_start(struct probe *p, const char *commit)
{
	struct branch *b = p->branch;
	int due = -1;

	(void)strlcpy(p->commit, commit, sizeof(p->commit));
	b->git.limit_ms = 0;
	if (branch_make_worktree(b, commit) == 0 &&
	    provision_reset(
		&b->git, &b->provision, &b->tree, NULL, commit, true) == 0)
		due =
		    provision_is_due(&b->git, &b->provision, &b->tree, commit);
	b->git.limit_ms = GIT_LOOK_MS;
	if (due < 0) {
		(void)strlcpy(p->error, b->git.error, sizeof(p->error));
		return -1;
	}
	p->is_setup = due > 0;
	return due > 0 ? run(p, b->provision.setup, b->config->setup_limit_ms)
		       : verify(p);
}

/* Setup has ended. */
static enum probe_state
go_on(struct probe *p, bool is_well)
{
	struct branch *b = p->branch;
	char how[160];
	int done;

	if (!is_well) {
		job_describe(&p->job, how, sizeof(how));
		(void)snprintf(p->error, sizeof(p->error), "setup: %s", how);
		return PROBE_IMPOSSIBLE;
	}
	b->git.limit_ms = 0;
	done =
	    provision_done(&b->git, &b->provision, &b->tree, p->commit, true);
	b->git.limit_ms = GIT_LOOK_MS;
	if (done < 0) {
		(void)strlcpy(p->error, b->git.error, sizeof(p->error));
		return PROBE_IMPOSSIBLE;
	}
	return verify(p) < 0 ? PROBE_IMPOSSIBLE : PROBE_RUNNING;
}

enum probe_state
probe_poll(struct probe *p, int64_t now_ms)
{
	char how[160];
	bool is_well;

	if (!job_poll(&p->job, now_ms))
		return PROBE_RUNNING;
	is_well = p->job.cause == JOB_EXITED && p->job.code == 0;
	if (p->is_setup)
		return go_on(p, is_well);
	job_describe(&p->job, how, sizeof(how));
	transcript_note(p->output_fd, "verify: %s", how);
	if (p->job.cause == JOB_NOT_STARTED) { /* that tells nothing of it */
		(void)snprintf(p->error, sizeof(p->error), "verify: %s", how);
		return PROBE_IMPOSSIBLE;
	}
	return is_well ? PROBE_PASSED : PROBE_FAILED;
}
