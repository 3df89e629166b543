#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/loop/workplace.h"
#include "base/hash.h"
#include "base/io.h"
#include "git/wreck.h"

#define EXCLUDE_SIZE (64 * 1024)

static const char *const folders[WORKPLACE_TREES] = {
	[TREE_WORK] = "worktree", [TREE_VERIFY] = "verify"
};

int
workplace_init(struct workplace *w, const struct loop_config *config,
    const char *state_directory, bool (*tick)(void *), void *argument)
{
	*w = (struct workplace){ .config = config,
		.provision = { .repository = config->repository,
		    .setup = config->setup,
		    .setup_when_changed = config->setup_when_changed,
		    .copy = config->copy,
		    .shared = config->shared } };
	w->git.tick = tick;
	w->git.argument = argument;
	(void)snprintf(
	    w->git.author, sizeof(w->git.author), "%s", config->name);
	return provision_init(&w->provision, state_directory);
}

void
workplace_free(struct workplace *w)
{
	provision_free(&w->provision);
}

int
workplace_tip(struct workplace *w, char ret[static GIT_HASH_SIZE])
{
	const char *branch = w->config->integration_branch;
	char where[PATH_SIZE];
	int found;

	if (repository_branch(&w->git, branch, ret) < 0)
		return -1;
	found = repository_is_checked_out(&w->git, branch, where);
	if (found > 0)
		return git_fail(&w->git, EPERM,
		    "branch %s is checked out in %s, where it must not be "
		    "moved: switch to another one there, or name another "
		    "integration_branch",
		    branch, where);
	return found;
}

/* A git that was killed leaves its lock on what it was about to write. */
static int
clear_locks(struct workplace *w)
{
	char integration[GIT_REF_SIZE], branch[GIT_REF_SIZE];

	(void)snprintf(integration, sizeof(integration), "refs/heads/%s",
	    w->config->integration_branch);
	(void)snprintf(
	    branch, sizeof(branch), "refs/heads/%s", w->config->branch);
	return wreck_clear_locks(&w->git, NULL,
	    (const char *const[]){ integration, branch, "packed-refs", NULL },
	    w->aside);
}

/* The same in a worktree of ours, also on the indices that are ours alone
 * (snapshot.c, candidate.c). */
static int
clear_tree_locks(struct workplace *w, enum workplace_tree tree)
{
	static const char *const names[] = { "index", "HEAD",
		"loopkeeper-index", "loopkeeper-candidate", NULL };

	return wreck_clear_locks(&w->git, &w->trees[tree], names, w->aside) < 0
	    ? -1
	    : 0;
}

/* The worker's own commits are on the branch yet, where HEAD is made anew. */
static int
reattach(struct workplace *w)
{
	char ref[GIT_REF_SIZE], commit[GIT_HASH_SIZE];
	struct git_call call = { 0 };
	int found;

	(void)snprintf(ref, sizeof(ref), "refs/heads/%s", w->config->branch);
	found = repository_commit(&w->git, ref, commit);
	if (found <= 0)
		return found;
	worktree_call(&w->trees[TREE_WORK], &call);
	return git_must(&w->git, &call,
	    (const char *const[]){ "symbolic-ref", "HEAD", ref, NULL });
}

/* What the repository's configuration says of all worktrees isn't to be said
 * of this one. */
static int
configure(struct workplace *w, enum workplace_tree tree, bool is_new)
{
	struct timespec *known = &w->configured[tree];
	char path[PATH_SIZE];
	struct stat st;

	if (path_format(path, "%s/config", w->git.common) < 0 ||
	    stat(path, &st) < 0)
		return git_fail(
		    &w->git, errno, "%s: %s", path, strerror(errno));
	if (!is_new && known->tv_sec == st.st_mtim.tv_sec &&
	    known->tv_nsec == st.st_mtim.tv_nsec)
		return 0;
	w->is_proven[tree] = false;
	/* Of the other one each reset writes it (git/reset.c). */
	if (tree == TREE_WORK && worktree_set_top(&w->git, &w->trees[tree]) < 0)
		return -1;
	*known = st.st_mtim;
	return 0;
}

int
workplace_mend(
    struct workplace *w, enum workplace_tree tree, const char *commit)
{
	char path[PATH_SIZE], aside[PATH_SIZE];
	int made;

	if (path_format(path, "%s/%s", w->config->directory, folders[tree]) < 0)
		return git_fail(&w->git, errno, "%s: %s", w->config->directory,
		    strerror(errno));
	made = worktree_open(&w->git, &w->trees[tree], path, commit, aside);
	if (made >= 0 && aside[0] != '\0')
		(void)path_format(w->aside, "%s", aside);
	if (made < 0 || configure(w, tree, made == 1) < 0)
		return -1;
	return made == 1 && tree == TREE_WORK ? reattach(w) : 0;
}

/* The operator's own list of what git ignores counts in all worktrees. A worker
 * may write to it: what that hides would be in no snapshot, and nobody told. */
static int
check_exclude(struct workplace *w)
{
	char path[PATH_SIZE], text[EXCLUDE_SIZE];
	uint64_t hash;

	if (path_format(path, "%s/info/exclude", w->git.common) < 0)
		return git_fail(
		    &w->git, errno, "info/exclude: %s", strerror(errno));
	/* The head of a long one will do. */
	if (io_read_file(AT_FDCWD, path, text, sizeof(text)) < 0 &&
	    errno != EFBIG)
		text[0] = '\0';
	hash = hash_bytes(HASH_INIT, text, strlen(text));
	if (w->exclude == 0)
		w->exclude = hash;
	if (w->exclude == hash)
		return 0;
	return git_fail(&w->git, EPROTO,
	    "%s has changed since the loop began: what it hides from git now "
	    "is "
	    "in no snapshot, and lies in %s only. Save that, and put the file "
	    "back; or, if it is to be so, restart the loop (loopkeeper restart "
	    "%s)",
	    path, w->trees[TREE_WORK].path, w->config->name);
}

int
workplace_open(struct workplace *w, char ret_tip[static GIT_HASH_SIZE])
{
	w->aside[0] = '\0';
	if (!w->is_open && git_open(&w->git, w->config->repository) < 0)
		return -1;
	w->is_open = true;
	if (clear_locks(w) < 0 || workplace_tip(w, ret_tip) < 0)
		return -1;
	if (workplace_mend(w, TREE_WORK, ret_tip) < 0 ||
	    workplace_mend(w, TREE_VERIFY, ret_tip) < 0)
		return -1;
	return clear_tree_locks(w, TREE_WORK) < 0 ||
		clear_tree_locks(w, TREE_VERIFY) < 0
	    ? -1
	    : check_exclude(w);
}

/* Somebody else's HEAD must not be moved under him. */
static int
refuse_used_branch(struct workplace *w)
{
	const char *branch = w->config->branch;
	char where[PATH_SIZE];
	int found = repository_is_checked_out(&w->git, branch, where);

	return found > 0 ? git_fail(&w->git, EPERM,
			       "branch %s is checked out in %s, and is for the "
			       "loop's own worktree: switch to another one "
			       "there, or name another `branch`",
			       branch, where)
			 : found;
}

int
workplace_reset(
    struct workplace *w, enum workplace_tree tree, const char *commit)
{
	const char *branch = tree == TREE_WORK ? w->config->branch : NULL;

	/* verify's git may have been ended, as well. */
	if (workplace_mend(w, tree, commit) < 0 ||
	    clear_tree_locks(w, tree) < 0 ||
	    (branch != NULL && refuse_used_branch(w) < 0))
		return -1;
	return provision_reset(&w->git, &w->provision, &w->trees[tree], branch,
	    commit, tree == TREE_VERIFY);
}
