#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/rollback_tree.h"
#include "conf/loop_environment.h"
#include "git/wreck.h"
#include "system/marked.h"

#define PATIENCE_MS 60000
#define LOOK_MS	    100

bool
rollback_tree_go_on(void *argument)
{
	const struct rollback_tree *t = argument;

	return !interrupts_came(&t->interrupts);
}

/* The paths of it all. CLI_DONE, or CLI_FAILED after an error. */
static int
make_places(struct rollback_tree *t, char path[static PATH_SIZE])
{
	const struct rolling *r = t->r;
	char state[PATH_MAX];

	/* git notes paths without links. */
	if (realpath(r->cli->state_directory, state) == NULL ||
	    path_format(
		t->directory, "%s/rollback/%s", state, r->config->name) < 0 ||
	    path_format(path, "%s/worktree", t->directory) < 0 ||
	    path_make(t->directory, 0700) < 0 ||
	    provision_init(&t->provision, state) < 0)
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
open_tree(struct rollback_tree *t, const char *path)
{
	static const char *const locks[] = { "index", "HEAD", NULL };
	struct git *g = &t->r->git;
	char aside[PATH_SIZE];

	return worktree_open(g, &t->worktree, path, t->r->new, aside) < 0 ||
		wreck_clear_locks(g, &t->worktree, locks, aside) < 0
	    ? -1
	    : 0;
}

static int
make(struct rollback_tree *t)
{
	int64_t end_ms = clock_ms() + PATIENCE_MS;
	char path[PATH_SIZE];
	int made;

	if (make_places(t, path) != CLI_DONE)
		return CLI_FAILED;
	if (marked_end(&(struct marked){ .variable = MARKED_LOOP_DIRECTORY,
		.value = t->directory,
		.tell = tell_left }) < 0)
		return cli_error(CLI_LATER,
		    "what an earlier rollback left may still run in %s", path);
	while ((made = open_tree(t, path)) < 0 && errno == EAGAIN &&
	    clock_ms() < end_ms && rollback_tree_go_on(t))
		(void)poll(NULL, 0, LOOK_MS);
	if (made >= 0)
		return CLI_DONE;
	if (errno == EAGAIN)
		return cli_error(CLI_LATER,
		    "another process works on the repository's worktrees: try "
		    "again soon");
	return cli_error(
	    errno == EBUSY ? CLI_LATER : CLI_FAILED, "%s", t->r->git.error);
}

static void
take_away(struct rollback_tree *t)
{
	int64_t end_ms = clock_ms() + PATIENCE_MS;

	while (worktree_remove(&t->r->git, &t->worktree) < 0) {
		if (errno == EAGAIN && clock_ms() < end_ms) {
			(void)poll(NULL, 0, LOOK_MS);
			continue;
		}
		(void)cli_error(CLI_FAILED, "%s is left over: %s",
		    t->worktree.path, t->r->git.error);
		return;
	}
}

int
rollback_tree_make(struct rollback_tree *t, struct rolling *r)
{
	const struct loop_config *config = r->config;
	int code;

	*t = (struct rollback_tree){ .r = r,
		.provision = { .repository = config->repository,
		    .setup = config->setup,
		    .setup_when_changed = config->setup_when_changed,
		    .copy = config->copy,
		    .shared = config->shared } };
	if (interrupts_hold(&t->interrupts) < 0)
		return cli_error(
		    CLI_FAILED, "sigprocmask: %s", strerror(errno));
	r->git.tick = rollback_tree_go_on;
	r->git.argument = t;
	code = make(t);
	t->is_made = code == CLI_DONE;
	return code;
}

void
rollback_tree_end(struct rollback_tree *t)
{
	t->r->git.tick = NULL; /* this much is done whatever came */
	if (t->is_made)
		take_away(t);
	provision_free(&t->provision);
	/* Where something was set aside in it, it stays. */
	(void)rmdir(t->directory);
	if (interrupts_came(&t->interrupts))
		(void)cli_error(CLI_FAILED, "interrupted: nothing was changed");
	(void)fflush(stdout);
	interrupts_release(&t->interrupts);
}
