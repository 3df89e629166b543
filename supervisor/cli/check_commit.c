/*
 * check-commit: what a loop's git hooks call (agents/loop/hooks.h). It refuses
 * what somebody else has locked. Where that can't be told the commit passes:
 * the loop looks again before it merges anything.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/duration.h"
#include "base/texts.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/print.h"
#include "conf/conf.h"
#include "git/worktree.h"
#include "store/locks.h"

#define PATIENCE_MS 2000

static int
let_pass(const char *why)
{
	return cli_error(CLI_DONE,
	    "nobody could tell whether a file is locked (%s): the commit "
	    "passes, but the loop looks again before it merges",
	    why[0] != '\0' ? why : strerror(errno));
}

static void
print_conflict(const struct locks_conflict *c, void *argument)
{
	int64_t age_ms = print_age_ms(c->locked_at);
	char since[DURATION_SIZE];

	(void)argument;
	duration_format(since, age_ms > 0 ? age_ms : 0);
	(void)cli_error(CLI_FAILED,
	    "%s is locked by %s%s%s%s%s: leave it alone, or wait until it is "
	    "free",
	    c->path, c->loop_id, c->test_id[0] != '\0' ? " for " : "",
	    c->test_id, age_ms >= 0 ? " since " : "", age_ms >= 0 ? since : "");
}

/* Not every repository in which a worker commits is the loop's: its tests may
 * make some of their own. */
static bool
is_of_loop(const struct git *here)
{
	const char *repository = getenv("LOOPKEEPER_REPOSITORY");
	struct git g = { 0 };
	struct stat ours, theirs;

	return repository == NULL || repository[0] == '\0' ||
	    git_open(&g, repository) < 0 || stat(g.common, &ours) < 0 ||
	    stat(here->common, &theirs) < 0 ||
	    (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino);
}

/* What git tells its hooks: `commit FILE` has an index of its own. */
static void
fill_call(struct git_call *call)
{
	call->git_dir = getenv("GIT_DIR");
	call->index_file = getenv("GIT_INDEX_FILE");
	if (call->git_dir != NULL)
		call->work_tree = ".";
}

/* 1 with the names in *ret, to be freed; 0 the end of a merge, which brings
 * what others have done; -1. */
static int
list_staged(struct git *g, char ***ret)
{
	struct git_call call = { 0 };
	char merged[GIT_HASH_SIZE];
	int found;

	fill_call(&call);
	found = git_line(g, &call,
	    (const char *const[]){
		"rev-parse", "--verify", "--quiet", "MERGE_HEAD", NULL },
	    merged, sizeof(merged));
	if (found != 0)
		return found < 0 ? -1 : 0;
	*ret = worktree_paths(g, &call,
	    (const char *const[]){ "diff-index", "--cached", "-z",
		"--name-only", "--no-renames", "HEAD", NULL });
	return *ret != NULL ? 1 : -1;
}

/* The state directory, or false with the reason in text. The fleet's own
 * variable needs no reading of files. */
static bool
locate(char ret[static PATH_SIZE], char *text, size_t size)
{
	const char *state = getenv("LOOPKEEPER_STATE_DIRECTORY");
	char path[PATH_SIZE], *said = NULL;
	size_t len;
	FILE *errors;
	bool found;

	if (state != NULL && state[0] == '/')
		return path_format(ret, "%s", state) == 0;
	errors = open_memstream(&said, &len);
	if (errors == NULL)
		return false;
	found = conf_find(NULL, path, errors) == 0 &&
	    conf_state_directory(path, ret, errors) == 0;
	(void)fclose(errors);
	if (said != NULL)
		(void)snprintf(
		    text, size, "%.*s", (int)strcspn(said, "\n"), said);
	free(said);
	return found;
}

static int
check(const char *loop, char *const *paths)
{
	char state[PATH_SIZE], text[STORE_ERROR_SIZE] = "";
	struct store s;
	int n;

	if (!locate(state, text, sizeof(text)))
		return let_pass(text);
	if (store_open_within(&s, state, STORE_READ, PATIENCE_MS) < 0)
		return let_pass(store_error(&s));
	n = locks_of_others(&s, loop, paths, print_conflict, NULL);
	(void)strlcpy(text, store_error(&s), sizeof(text));
	store_close(&s);
	return n < 0 ? let_pass(text) : n > 0 ? CLI_FAILED : CLI_DONE;
}

int
check_commit_run(struct cli *cli, int argc, char **argv)
{
	const char *loop = getenv("LOOPKEEPER_LOOP");
	char directory[PATH_SIZE], **paths = NULL;
	struct git g = { 0 };
	int found, code;

	(void)options_parse(cli, argc, argv, NULL, 0, 0, 0);
	if (loop == NULL || loop[0] == '\0')
		cli_fail(CLI_USAGE,
		    "check-commit is for git's hooks in a loop's worktree: "
		    "LOOPKEEPER_LOOP isn't set");
	if (getcwd(directory, sizeof(directory)) == NULL)
		return let_pass("");
	if (git_open(&g, directory) < 0)
		return let_pass(g.error);
	if (!is_of_loop(&g))
		return CLI_DONE;
	found = list_staged(&g, &paths);
	if (found <= 0)
		return found < 0 ? let_pass(g.error) : CLI_DONE;
	code = check(loop, paths);
	texts_free(paths);
	return code;
}
