/*
 * Whether the build still works with the reverts. A test that fails with them
 * is run without them: failing there too, they aren't to blame; passing there,
 * it is run with them once more, so that chance blames nobody.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/text.h"
#include "base/texts.h"
#include "cli/interrupts.h"
#include "cli/rollback_checks.h"
#include "cli/shell.h"
#include "conf/loop_environment.h"
#include "git/provision.h"
#include "git/wreck.h"
#include "system/marked.h"

#define PATIENCE_MS 60000
#define LOOK_MS	    100
#define LAST_LINES  8

struct verifying {
	struct rolling *r;
	/* STATE/rollback/LOOP, which nobody else has: the repository's lock on
	 * rollbacks is ours. */
	char directory[PATH_SIZE];
	struct worktree tree;
	struct provision provision;
	struct interrupts interrupts;
	const char *at; /* the commit that it is at, set up */
	char tail[SHELL_TAIL_SIZE];
};

static bool
go_on(void *argument)
{
	const struct verifying *v = argument;

	return !interrupts_came(&v->interrupts);
}

/* The paths of it all. CLI_DONE, or CLI_FAILED after an error. */
static int
make_places(struct verifying *v, char path[static PATH_SIZE])
{
	const struct rolling *r = v->r;
	char state[PATH_MAX];

	/* git notes paths without links. */
	if (realpath(r->cli->state_directory, state) == NULL ||
	    path_format(
		v->directory, "%s/rollback/%s", state, r->config->name) < 0 ||
	    path_format(path, "%s/worktree", v->directory) < 0 ||
	    path_make(v->directory, 0700) < 0 ||
	    provision_init(&v->provision, state) < 0)
		return cli_error(CLI_FAILED, "%s/rollback: %s",
		    r->cli->state_directory, strerror(errno));
	return CLI_DONE;
}

static void
tell_left(void *context, pid_t pid, const char *command, bool stays)
{
	(void)context;
	if (stays)
		(void)cli_error(CLI_FAILED, "%s (pid %d) can't be ended",
		    command, (int)pid);
	else
		printf("ending a process that an earlier rollback left: %s "
		       "(pid %d)\n",
		    command, (int)pid);
}

/* Makes sure of the worktree; a git that was killed in it has left its lock.
 * Returns 0, or -1 as worktree_open(). */
static int
open_tree(struct verifying *v, const char *path)
{
	static const char *const locks[] = { "index", "HEAD", NULL };
	struct git *g = &v->r->git;
	char aside[PATH_SIZE];

	return worktree_open(g, &v->tree, path, v->r->new, aside) < 0 ||
		wreck_clear_locks(g, &v->tree, locks, aside) < 0
	    ? -1
	    : 0;
}

static int
make_tree(struct verifying *v)
{
	int64_t end_ms = clock_ms() + PATIENCE_MS;
	char path[PATH_SIZE];
	int made;

	if (make_places(v, path) != CLI_DONE)
		return CLI_FAILED;
	if (marked_end(&(struct marked){ .variable = LOOP_ENVIRONMENT_DIRECTORY,
		.value = v->directory,
		.tell = tell_left }) < 0)
		return cli_error(CLI_FAILED,
		    "what an earlier rollback left may still run in %s", path);
	while ((made = open_tree(v, path)) < 0 && errno == EAGAIN &&
	    clock_ms() < end_ms && go_on(v))
		(void)poll(NULL, 0, LOOK_MS);
	if (made >= 0)
		return CLI_DONE;
	return cli_error(CLI_FAILED, "%s",
	    errno == EAGAIN ? "another process works on the repository's "
			      "worktrees: try again soon"
			    : v->r->git.error);
}

static void
take_tree_away(struct verifying *v)
{
	int64_t end_ms = clock_ms() + PATIENCE_MS;

	v->r->git.tick = NULL; /* this much is done whatever came */
	while (worktree_remove(&v->r->git, &v->tree) < 0) {
		if (errno == EAGAIN && clock_ms() < end_ms) {
			(void)poll(NULL, 0, LOOK_MS);
			continue;
		}
		(void)cli_error(CLI_FAILED, "%s is left over: %s", v->tree.path,
		    v->r->git.error);
		return;
	}
}

/* The end of what a command wrote, as much as one wants to see. */
static void
print_tail(char *tail)
{
	size_t len = strlen(tail);
	char *from, *line;
	int lines = 0;

	while (len > 0 && tail[len - 1] == '\n')
		tail[--len] = '\0';
	for (from = tail + len; from > tail; from--)
		if (from[-1] == '\n' && ++lines == LAST_LINES)
			break;
	while ((line = strsep(&from, "\n")) != NULL) {
		text_clean(line);
		if (line[0] != '\0')
			(void)cli_error(CLI_FAILED, "    %s", line);
	}
}

/* check is NULL for setup. */
static char **
environment(const struct verifying *v, const struct loop_config *config,
    const struct rollback_check *check)
{
	struct texts envp = { 0 };

	loop_environment_add(&envp,
	    &(struct loop_environment){ .config = config,
		/* Loops have those up to nloops, the monitor's worktrees as
		 * many behind them. */
		.index = (int)(2 * v->r->conf->nloops) + v->r->config->index,
		.directory = v->directory });
	texts_addf(&envp, "LOOPKEEPER_TEST_ID=%s", check ? check->id : "");
	texts_addf(&envp, "LOOPKEEPER_VERIFY=%s", check ? check->verify : "");
	return texts_take(&envp);
}

/* Runs one command in the tree. Returns 1 for exit 0; else 0, and how it ended
 * is in how; -1 when a signal came. */
static int
run(struct verifying *v, const char *command,
    const struct rollback_check *check, char *how, size_t size)
{
	const struct loop_config *config =
	    check != NULL ? conf_loop(v->r->conf, check->loop) : v->r->config;
	int64_t limit_ms =
	    check != NULL ? config->verify_limit_ms : config->setup_limit_ms;
	char **envp = environment(v, config, check), limit[DURATION_SIZE];
	int status = -1, error;

	if (envp != NULL)
		status = shell_run(&(struct shell){ .command = command,
				       .directory = v->tree.path,
				       .envp = envp,
				       .limit_ms = limit_ms,
				       .go_on = go_on,
				       .argument = v },
		    v->tail);
	error = errno;
	texts_free(envp);
	if (status < 0 && error == ECANCELED)
		return -1;
	duration_format_exact(limit, limit_ms);
	if (status >= 0)
		(void)snprintf(how, size, "exit %d", status);
	else if (error == ETIMEDOUT)
		(void)snprintf(how, size, "over its time of %s", limit);
	else
		(void)snprintf(how, size, "%s", strerror(error));
	return status == 0;
}

/* Runs setup where it is due. CLI_DONE, or CLI_FAILED after an error. */
static int
set_up(struct verifying *v)
{
	struct git *g = &v->r->git;
	int due = provision_is_due(g, &v->provision, &v->tree, v->at);
	char how[128];
	int well;

	if (due == 0)
		return CLI_DONE;
	if (due > 0) {
		well = run(v, v->provision.setup, NULL, how, sizeof(how));
		if (well < 0)
			return CLI_FAILED;
		if (well == 0) {
			(void)cli_error(CLI_FAILED,
			    "setup fails %s the rollback: %s",
			    v->at == v->r->new ? "with" : "without", how);
			print_tail(v->tail);
			return CLI_FAILED;
		}
	}
	if (due > 0 && provision_done(g, &v->provision, &v->tree, v->at) == 0)
		return CLI_DONE;
	return cli_error(CLI_FAILED, "%s", g->error);
}

/* Every file as in the commit, with all that tests need. CLI_DONE, or
 * CLI_FAILED after an error. */
static int
go_to(struct verifying *v, const char *commit)
{
	struct git *g = &v->r->git;

	if (v->at == commit)
		return CLI_DONE;
	if (provision_reset(g, &v->provision, &v->tree, NULL, commit, true) < 0)
		return cli_error(CLI_FAILED, "%s", g->error);
	v->at = commit;
	return set_up(v);
}

/* 1 it is well, 0 the reverts break it, -1 after an error or a signal. */
static int
check_one(struct verifying *v, const struct rollback_check *c)
{
	struct rolling *r = v->r;
	char tail[SHELL_TAIL_SIZE], how[128], again[128];
	int well;

	if (go_to(v, r->new) != CLI_DONE)
		return -1;
	well = run(v, c->verify, c, how, sizeof(how));
	if (well != 0)
		return well;
	(void)memcpy(tail, v->tail, sizeof(tail));
	if (go_to(v, r->tip) != CLI_DONE)
		return -1;
	well = run(v, c->verify, c, again, sizeof(again));
	if (well == 0)
		printf(
		    "%s fails without the rollback, too (%s)\n", c->id, again);
	if (well <= 0)
		return well == 0 ? 1 : -1;
	if (go_to(v, r->new) != CLI_DONE)
		return -1;
	well = run(v, c->verify, c, again, sizeof(again));
	if (well > 0)
		printf("%s fails by chance\n", c->id);
	if (well != 0)
		return well;
	(void)cli_error(CLI_FAILED,
	    "%s, which passes now, fails with the "
	    "rollback: %s",
	    c->id, how);
	print_tail(tail);
	return 0;
}

static int
check_all(struct verifying *v, const struct rollback_checks *checks)
{
	size_t broken = 0;

	if (checks->n > 0)
		printf("verifying with %zu test%s that stay%s passed\n",
		    checks->n, checks->n == 1 ? "" : "s",
		    checks->n == 1 ? "s" : "");
	(void)fflush(stdout);
	/* setup alone says something, too. */
	if (go_to(v, v->r->new) != CLI_DONE)
		return CLI_FAILED;
	for (size_t i = 0; i < checks->n; i++) {
		int well = check_one(v, &checks->items[i]);

		if (well < 0)
			return CLI_FAILED;
		broken += well == 0;
	}
	return broken == 0 ? CLI_DONE : CLI_FAILED;
}

/* In a tree that is gone afterwards. */
static int
check_in_tree(struct verifying *v, const struct rollback_checks *checks)
{
	struct git *g = &v->r->git;
	int code;

	if (interrupts_hold(&v->interrupts) < 0)
		return cli_error(
		    CLI_FAILED, "sigprocmask: %s", strerror(errno));
	g->tick = go_on;
	g->argument = v;
	code = make_tree(v);
	if (code == CLI_DONE) {
		code = check_all(v, checks);
		take_tree_away(v);
	}
	g->tick = NULL;
	provision_free(&v->provision);
	/* Where something was set aside in it, it stays. */
	(void)rmdir(v->directory);
	if (interrupts_came(&v->interrupts))
		code =
		    cli_error(CLI_FAILED, "interrupted: nothing was changed");
	(void)fflush(stdout);
	interrupts_release(&v->interrupts);
	return code;
}

int
rollback_verify(struct rolling *r)
{
	const struct loop_config *config = r->config;
	struct verifying v = { .r = r,
		.provision = { .repository = config->repository,
		    .setup = config->setup,
		    .setup_when_changed = config->setup_when_changed,
		    .copy = config->copy,
		    .shared = config->shared } };
	struct rollback_checks checks;
	int code = rollback_checks_pick(r, &checks);

	if (code == CLI_DONE && (checks.n > 0 || r->config->setup[0] != '\0'))
		code = check_in_tree(&v, &checks);
	rollback_checks_free(&checks);
	return code;
}
