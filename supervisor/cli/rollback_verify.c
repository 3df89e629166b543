/*
 * Whether the build still works with the reverts. A test that fails with them
 * is run without them: failing there too, or where setup fails there, they
 * aren't to blame; passing there, it is run with them once more, so that chance
 * blames nobody.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "base/texts.h"
#include "cli/rollback_checks.h"
#include "cli/rollback_tree.h"
#include "cli/shell.h"
#include "conf/loop_environment.h"

#define LAST_LINES 8
#define HOW_SIZE   128

struct verifying {
	struct rolling *r;
	struct rollback_tree tree;
	const char *at; /* the commit that it is at, set up */
	bool is_unset;	/* without the reverts setup fails, each time, */
	char without[HOW_SIZE]; /* and how */
	char tail[SHELL_TAIL_SIZE];
};

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
		.directory = v->tree.directory });
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
				       .directory = v->tree.worktree.path,
				       .envp = envp,
				       .limit_ms = limit_ms,
				       .go_on = rollback_tree_go_on,
				       .argument = &v->tree },
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

static int
git_failed(const struct verifying *v)
{
	(void)cli_error(CLI_FAILED, "%s", v->r->git.error);
	return -1;
}

/* Runs setup where it is due. 1, 0 it fails, as how says, -1 after an error or
 * a signal. */
static int
set_up(struct verifying *v, const char *commit, char *how, size_t size)
{
	struct git *g = &v->r->git;
	int due =
	    provision_is_due(g, &v->tree.provision, &v->tree.worktree, commit);
	int well;

	if (due <= 0)
		return due == 0 ? 1 : git_failed(v);
	well = run(v, v->tree.provision.setup, NULL, how, size);
	if (well > 0 &&
	    provision_done(
		g, &v->tree.provision, &v->tree.worktree, commit, true) < 0)
		return git_failed(v);
	/* What it did before it failed is nothing for another commit. */
	if (well == 0 &&
	    provision_doubt(g, &v->tree.provision, &v->tree.worktree, commit) <
		0)
		return git_failed(v);
	return well;
}

/* Every file as in the commit, with all that tests need. Returns as above. */
static int
go_to(struct verifying *v, const char *commit, char *how, size_t size)
{
	int well;

	if (v->at == commit)
		return 1;
	v->at = NULL;
	if (provision_reset(&v->r->git, &v->tree.provision, &v->tree.worktree,
		NULL, commit, true) < 0)
		return git_failed(v);
	well = set_up(v, commit, how, size);
	if (well > 0)
		v->at = commit;
	return well;
}

/* CLI_DONE, or CLI_FAILED after an error or a signal. */
static int
go_to_new(struct verifying *v)
{
	char how[HOW_SIZE];
	int well = go_to(v, v->r->new, how, sizeof(how));

	if (well == 0) {
		(void)cli_error(
		    CLI_FAILED, "setup fails with the rollback: %s", how);
		print_tail(v->tail);
	}
	return well > 0 ? CLI_DONE : CLI_FAILED;
}

/* What the test says without the reverts. 1, 0, -1 after an error or a
 * signal. */
static int
run_without(struct verifying *v, const struct rollback_check *c)
{
	const char *tip = v->r->tip;
	char how[HOW_SIZE];
	int well = v->is_unset ? 0 : go_to(v, tip, v->without, HOW_SIZE);

	/* A setup that fails by chance excuses nobody. */
	if (well == 0 && !v->is_unset) {
		well = go_to(v, tip, v->without, HOW_SIZE);
		v->is_unset = well == 0;
	}
	if (well == 0)
		printf("%s can't pass without the rollback: setup fails there "
		       "(%s)\n",
		    c->id, v->without);
	if (well <= 0)
		return well;
	well = run(v, c->verify, c, how, sizeof(how));
	if (well == 0)
		printf("%s fails without the rollback, too (%s)\n", c->id, how);
	return well;
}

/* 1 it is well, 0 the reverts break it, -1 after an error or a signal. */
static int
check_one(struct verifying *v, const struct rollback_check *c)
{
	char tail[SHELL_TAIL_SIZE], how[HOW_SIZE], again[HOW_SIZE];
	int well;

	if (go_to_new(v) != CLI_DONE)
		return -1;
	well = run(v, c->verify, c, how, sizeof(how));
	if (well != 0)
		return well;
	(void)memcpy(tail, v->tail, sizeof(tail));
	well = c->fails ? 1 : run_without(v, c);
	if (well <= 0)
		return well == 0 ? 1 : -1;
	if (go_to_new(v) != CLI_DONE)
		return -1;
	well = run(v, c->verify, c, again, sizeof(again));
	if (well > 0)
		printf("%s fails by chance\n", c->id);
	if (well != 0)
		return well;
	(void)cli_error(CLI_FAILED, "%s%s fails with the rollback%s: %s", c->id,
	    c->fails ? "" : ", which passes now,", c->fails ? " undone" : "",
	    how);
	print_tail(tail);
	return 0;
}

static int
check_all(struct verifying *v, const struct rollback_checks *checks)
{
	size_t broken = 0;

	if (checks->n > 0)
		printf("verifying with %zu test%s that %s passed\n", checks->n,
		    checks->n == 1 ? "" : "s",
		    v->r->undo[0] != '\0' ? "must have"
			: checks->n == 1  ? "stays"
					  : "stay");
	(void)fflush(stdout);
	/* setup alone says something, too. */
	if (go_to_new(v) != CLI_DONE)
		return CLI_FAILED;
	for (size_t i = 0; i < checks->n; i++) {
		int well = check_one(v, &checks->items[i]);

		if (well < 0)
			return CLI_FAILED;
		broken += well == 0;
	}
	return broken == 0 ? CLI_DONE : CLI_FAILED;
}

int
rollback_verify(struct rolling *r)
{
	struct verifying v = { .r = r };
	struct rollback_checks checks;
	int code = rollback_checks_pick(r, &checks);

	if (code == CLI_DONE && (checks.n > 0 || r->config->setup[0] != '\0')) {
		code = rollback_tree_make(&v.tree, r);
		if (code == CLI_DONE)
			code = check_all(&v, &checks);
		rollback_tree_end(&v.tree);
	}
	rollback_checks_free(&checks);
	return code;
}
