/* rollback: the order in which things are found, asked, verified and moved. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/owner.h"
#include "cli/rollback.h"
#include "git/wreck.h"
#include "system/lock.h"
#include "system/process.h"

#define TRIES_MAX   4
#define LOOK_MS	    50
#define SAY_MS	    1000
#define PATIENCE_MS 60000 /* besides the run of one verify */
#define SHORT_HASH  12

/* The process that holds a lock of repository_lock(), for people. */
static void
describe_holder(
    const struct rolling *r, const char *what, char *buf, size_t size)
{
	char path[PATH_SIZE], command[128] = "";
	pid_t pid = 0;

	if (path_format(path, "%s/loopkeeper/%s.lock", r->git.common, what) ==
	    0)
		pid = lock_holder(AT_FDCWD, path);
	if (pid <= 0) {
		(void)strlcpy(buf, "another process", size);
		return;
	}
	process_command(pid, command, sizeof(command));
	(void)snprintf(buf, size, "process %d (%s)", (int)pid, command);
}

/* Another git may be at work, or have just begun. */
static int
git_error(const struct rolling *r)
{
	return cli_error(
	    errno == EBUSY || errno == EAGAIN ? CLI_LATER : CLI_FAILED, "%s",
	    r->git.error);
}

/* A lock of repository_lock(), and what its holder does for people: whoever
 * has it may be verifying. CLI_DONE with a descriptor to close in *ret_fd, or
 * another code after an error. */
static int
wait_for_turn(
    struct rolling *r, const char *what, const char *doing, int *ret_fd)
{
	int64_t begun_ms = clock_ms();
	int64_t limit_ms = r->config->verify_limit_ms + PATIENCE_MS;
	char holder[256];
	bool said = false;

	while ((*ret_fd = repository_lock(&r->git, what)) < 0) {
		int64_t waited_ms = clock_ms() - begun_ms;

		if (errno != EAGAIN)
			return cli_error(CLI_FAILED, "%s", r->git.error);
		describe_holder(r, what, holder, sizeof(holder));
		if (waited_ms > limit_ms)
			return cli_error(CLI_LATER,
			    "%s has been %s for too long: nothing was "
			    "changed; try again later",
			    holder, doing);
		if (!said && waited_ms > SAY_MS) {
			said = true;
			printf("waiting for %s, which is %s\n", holder, doing);
			(void)fflush(stdout);
		}
		(void)poll(NULL, 0, LOOK_MS);
	}
	return CLI_DONE;
}

static int
read_tip(struct rolling *r, char ret[static GIT_HASH_SIZE])
{
	int found = repository_commit(&r->git, r->ref, ret);

	if (found < 0)
		return cli_error(CLI_FAILED, "%s", r->git.error);
	if (found == 0)
		return cli_error(CLI_FAILED,
		    "%s: there is no branch %s: nothing was merged yet",
		    r->git.top, r->config->integration_branch);
	return CLI_DONE;
}

/* Whether the branch may be moved at all. CLI_DONE, or another code after an
 * error. */
static int
may_move(struct rolling *r)
{
	const char *const locks[] = { r->ref, "packed-refs", NULL };
	char path[PATH_SIZE];
	int found = repository_is_checked_out(
	    &r->git, r->config->integration_branch, path);

	if (found > 0)
		return cli_error(CLI_LATER,
		    "branch %s is checked out in %s, where it must not be "
		    "moved: switch to another one there",
		    r->config->integration_branch, path);
	/* A git that was killed leaves them. */
	if (found < 0 || wreck_clear_locks(&r->git, NULL, locks, path) < 0)
		return git_error(r);
	return CLI_DONE;
}

/* One turn of making, verifying and moving. CLI_DONE with *ret_n tests reset,
 * or -1 where the branch moved meanwhile. */
static int
try_once(struct rolling *r, int *ret_n)
{
	int code = rollback_make(r), fd = -1;

	if (code == CLI_DONE && r->nreverts > 0) {
		code = rollback_verify(r);
		if (code != CLI_DONE && r->force) {
			printf("going on all the same (--force)\n");
			code = CLI_DONE;
		} else if (code != CLI_DONE) {
			(void)cli_error(code,
			    "nothing was changed; --force rolls back all the "
			    "same");
		}
	}
	if (code == CLI_DONE)
		code = wait_for_turn(r, "merge", "merging", &fd);
	/* Verify takes long: somebody may have checked it out meanwhile. */
	if (code == CLI_DONE)
		code = may_move(r);
	if (code == CLI_DONE) {
		*ret_n = rollback_write(r);
		code = *ret_n >= 0			   ? CLI_DONE
		    : errno == ESTALE			   ? -1
		    : errno == EBUSY || errno == ESHUTDOWN ? CLI_LATER
							   : CLI_FAILED;
	}
	io_close(&fd);
	return code;
}

static int
carry_out(struct rolling *r)
{
	int code = -1, n = 0;

	for (int i = 0; code < 0 && i < TRIES_MAX; i++) {
		if (i > 0) {
			printf("%s has moved on meanwhile: once more on top "
			       "of it\n",
			    r->config->integration_branch);
			if (read_tip(r, r->tip) != CLI_DONE)
				return CLI_FAILED;
		}
		code = try_once(r, &n);
	}
	if (code < 0)
		return cli_error(CLI_LATER,
		    "%s moves faster than this can be verified: nothing was "
		    "changed; pause the loops that merge into it first",
		    r->config->integration_branch);
	if (code == CLI_DONE && r->undo[0] != '\0')
		printf("%.*s is back; %s is at %.*s\n", SHORT_HASH, r->undo,
		    r->config->integration_branch, SHORT_HASH, r->new);
	else if (code == CLI_DONE)
		printf("%zu commit%s reverted, %d test%s pending again; %s is "
		       "at %.*s\n",
		    r->nreverts, r->nreverts == 1 ? "" : "s", n,
		    n == 1 ? "" : "s", r->config->integration_branch,
		    SHORT_HASH, r->new);
	return code;
}

static int
roll_back(struct rolling *r, bool yes, bool dry_run)
{
	int code = rollback_plan(r);

	if (code != CLI_DONE)
		return code;
	if (r->nreverts + r->nleft == 0 && r->undo[0] != '\0') {
		printf("%.*s is back already\n", SHORT_HASH, r->undo);
		return CLI_DONE;
	}
	if (r->nreverts + r->nleft == 0) {
		printf("%s has merged nothing%s%s that could be rolled back\n",
		    r->config->name,
		    r->since[0] != '\0'	     ? " since"
			: r->only[0] != '\0' ? " of "
					     : "",
		    r->only);
		return CLI_DONE;
	}
	printf("%s on %s, newest first:\n", r->config->name,
	    r->config->integration_branch);
	rollback_print(r);
	if (dry_run) {
		code = rollback_make(r);
		if (code == CLI_DONE)
			printf("%zu would be reverted\n", r->nreverts);
		return code;
	}
	code = confirm(r->undo[0] != '\0' ? "Undo this" : "Roll back", yes);
	return code == CLI_DONE ? carry_out(r) : code;
}

/* The checkpoint that --to means, and whether one can go back to it. */
static int
find_checkpoint(struct rolling *r, const char *word)
{
	char loop[TEXT_NAME_MAX + 1], id[IDS_SIZE];
	int code = ids_find(r->cli, r->store, IDS_CHECKPOINT, word, id);
	int found;

	if (code != CLI_DONE)
		return code;
	found = checkpoints_get(r->store, id, loop, r->since);
	if (found < 0)
		return database_error(r->store);
	if (found == 0 || strcmp(loop, r->config->name) != 0)
		return cli_error(CLI_FAILED,
		    "checkpoint %s is one of %s; 'loopkeeper checkpoints %s' "
		    "lists those of %s",
		    id, loop, r->config->name, r->config->name);
	found = repository_contains(
	    &r->git, r->config->integration_branch, r->since);
	if (found < 0)
		return cli_error(CLI_FAILED, "%s", r->git.error);
	if (found == 0)
		return cli_error(CLI_FAILED,
		    "checkpoint %s is at %.*s, which isn't in the history of "
		    "%s",
		    id, SHORT_HASH, r->since, r->config->integration_branch);
	return CLI_DONE;
}

static int
find_test(struct rolling *r, const char *word)
{
	char id[IDS_SIZE];
	int code = ids_find(r->cli, r->store, IDS_TEST, word, id);

	if (code == CLI_DONE)
		(void)strlcpy(r->only, id, sizeof(r->only));
	return code;
}

static int
find_commit(
    struct rolling *r, const char *commit, char ret[static GIT_HASH_SIZE])
{
	int found = repository_commit(&r->git, commit, ret);

	if (found > 0)
		found = repository_contains(
		    &r->git, r->config->integration_branch, ret);
	if (found < 0)
		return cli_error(CLI_FAILED, "%s", r->git.error);
	return found > 0 ? CLI_DONE
			 : cli_error(CLI_FAILED,
			       "there is no commit %s in the history of %s",
			       commit, r->config->integration_branch);
}

/* The loop and its repository. CLI_DONE, or CLI_FAILED after an error. */
static int
find_loop(struct rolling *r, const char *word)
{
	char name[IDS_SIZE];
	int code = ids_find(r->cli, r->store, IDS_LOOP, word, name);

	if (code != CLI_DONE)
		return code;
	if (r->conf == NULL)
		return cli_error(CLI_FAILED,
		    "the configuration is faulty; 'loopkeeper check-config' "
		    "says where");
	r->config = conf_loop(r->conf, name);
	if (r->config == NULL)
		return cli_error(CLI_FAILED,
		    "%s isn't in the configuration: where its repository is "
		    "isn't known",
		    name);
	(void)strlcpy(r->git.author, database_user(), sizeof(r->git.author));
	(void)snprintf(r->ref, sizeof(r->ref), "refs/heads/%s",
	    r->config->integration_branch);
	if (git_open(&r->git, r->config->repository) < 0)
		return cli_error(CLI_FAILED, "%s", r->git.error);
	return read_tip(r, r->tip);
}

/* Nobody else may roll back meanwhile; what others have, isn't to be undone
 * again. CLI_DONE, or another code after an error; *ret_fd is to be closed. */
static int
enter(struct rolling *r, int *ret_fd)
{
	int code = wait_for_turn(r, "rollback", "rolling back", ret_fd);

	if (code == CLI_DONE)
		code = may_move(r);
	return code == CLI_DONE ? read_tip(r, r->tip) : code;
}

int
rollback_run(struct cli *cli, int argc, char **argv)
{
	const char *to = NULL, *only = NULL, *commit = NULL, *undo = NULL;
	bool yes = false, dry_run = false;
	struct rolling r = { .cli = cli };
	const struct option_spec specs[] = {
		{ .name = "to", .letter = 't', .value = &to },
		{ .name = "only", .value = &only },
		{ .name = "commit", .value = &commit },
		{ .name = "undo", .value = &undo },
		{ .name = "yes", .letter = 'y', .flag = &yes },
		{ .name = "force", .letter = 'f', .flag = &r.force },
		{ .name = "dry-run", .letter = 'n', .flag = &dry_run },
	};
	struct store s;
	struct conf *conf;
	int code, fd = -1;

	(void)options_parse(cli, argc, argv, specs, 7, 1, 1);
	if ((to != NULL) + (only != NULL) + (commit != NULL) + (undo != NULL) >
	    1)
		cli_usage("rollback");
	database_open_or(
	    cli, &s, dry_run ? STORE_READ : STORE_WRITE, CLI_LATER);
	owner_only(cli, "roll back");
	r.store = &s;
	r.conf = conf = names_load_conf(cli);
	code = find_loop(&r, argv[1]);
	if (code == CLI_DONE && to != NULL)
		code = find_checkpoint(&r, to);
	if (code == CLI_DONE && only != NULL)
		code = find_test(&r, only);
	if (code == CLI_DONE && commit != NULL)
		code = find_commit(&r, commit, r.commit);
	if (code == CLI_DONE && undo != NULL)
		code = find_commit(&r, undo, r.undo);
	if (code == CLI_DONE && !dry_run)
		code = enter(&r, &fd);
	if (code == CLI_DONE)
		code = roll_back(&r, yes, dry_run);
	io_close(&fd);
	rollback_forget(&r);
	store_close(&s);
	conf_free(conf);
	return code;
}
