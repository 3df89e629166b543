#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "git/repository.h"
#include "git/worktree.h"
#include "system/lock.h"

static const struct git_call at_top = { 0 };

/* The lines of `rev-parse` below. */
static int
read_answer(struct git *g, char *answer, const char *path)
{
	char *common = strsep(&answer, "\n");
	char *bare = strsep(&answer, "\n");
	char *prefix = strsep(&answer, "\n");

	if (common == NULL || bare == NULL)
		return git_fail(g, EPROTO, "git rev-parse: no answer");
	if (prefix != NULL && prefix[0] != '\0')
		return git_fail(g, EINVAL,
		    "%s is not the top of a git repository: it is %s of one",
		    path, prefix);
	return path_format(g->common, "%s", common);
}

int
git_open(struct git *g, const char *path)
{
	char *answer = NULL;
	const struct git_call call = { .ret_output = &answer };
	struct stat st;
	int result;

	g->error[0] = g->common[0] = '\0';
	if (path_format(g->top, "%s", path) < 0)
		return git_fail(g, errno, "%s: %s", path, strerror(errno));
	if (stat(path, &st) < 0)
		return git_fail(g, EINVAL, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return git_fail(g, EINVAL, "%s: no directory", path);
	result = git_run(g, &call,
	    (const char *const[]){ "rev-parse", "--path-format=absolute",
		"--git-common-dir", "--is-bare-repository", "--show-prefix",
		NULL });
	if (result == 0)
		result = read_answer(g, answer, path);
	else if (errno == EPROTO)
		result = git_fail(g, EINVAL,
		    "%s is no git repository that can be used: %s", path,
		    g->error);
	free(answer);
	return result;
}

/* A branch that has a file of its own is a commit; all others are git's to find
 * (packed, in another format, or none). */
static bool
read_branch(struct git *g, const char *ref, char ret[static GIT_HASH_SIZE])
{
	char path[PATH_SIZE], text[GIT_HASH_SIZE + 1];
	size_t len;

	if (strncmp(ref, "refs/heads/", 11) != 0 || strstr(ref, "..") != NULL ||
	    path_format(path, "%s/%s", g->common, ref) < 0 ||
	    io_read_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	len = strspn(text, "0123456789abcdef");
	if ((len != 40 && len != 64) || strcmp(text + len, "\n") != 0)
		return false;
	(void)snprintf(ret, GIT_HASH_SIZE, "%.*s", (int)len, text);
	return true;
}

int
repository_commit(
    struct git *g, const char *rev, char ret[static GIT_HASH_SIZE])
{
	char text[PATH_SIZE];

	if (read_branch(g, rev, ret))
		return 1;
	if (path_format(text, "%s^{commit}", rev) < 0)
		return git_fail(g, errno, "%s: %s", rev, strerror(errno));
	return git_line(g, &at_top,
	    (const char *const[]){ "rev-parse", "--verify", "--quiet",
		"--end-of-options", text, NULL },
	    ret, GIT_HASH_SIZE);
}

int
repository_tree(
    struct git *g, const char *commit, char ret[static GIT_HASH_SIZE])
{
	char text[GIT_REF_SIZE];
	int found;

	(void)snprintf(text, sizeof(text), "%s^{tree}", commit);
	found = git_line(g, &at_top,
	    (const char *const[]){
		"rev-parse", "--verify", "--quiet", text, NULL },
	    ret, GIT_HASH_SIZE);
	return found == 0 ? git_fail(g, EPROTO, "there is no commit %s", commit)
	    : found < 0	  ? -1
			  : 0;
}

int
repository_branch(
    struct git *g, const char *branch, char ret[static GIT_HASH_SIZE])
{
	char ref[GIT_REF_SIZE], head[GIT_HASH_SIZE];
	int found;

	(void)snprintf(ref, sizeof(ref), "refs/heads/%s", branch);
	for (;;) {
		found = repository_commit(g, ref, ret);
		if (found != 0)
			return found < 0 ? -1 : 0;
		found = repository_commit(g, "HEAD", head);
		if (found < 0)
			return -1;
		if (found == 0)
			return git_fail(g, ENOENT,
			    "%s: HEAD has no commit yet: commit something "
			    "first",
			    g->top);
		/* Somebody else may be making it just now. */
		if (repository_move_ref(
			g, ref, head, "", "loopkeeper: made from HEAD") < 0)
			return -1;
	}
}

/* Whether a file is this one line. */
static bool
has_line(
    const char *admin, const char *name, const char *prefix, const char *branch)
{
	char path[PATH_SIZE], text[GIT_REF_SIZE + 64], wanted[sizeof(text)];

	if (path_format(path, "%s/%s", admin, name) < 0 ||
	    io_read_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	(void)snprintf(wanted, sizeof(wanted), "%s%s", prefix, branch);
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, wanted) == 0;
}

/* Whether the branch is what HEAD names, or will name again when what is going
 * on there has ended. */
static bool
is_at(const char *admin, const char *branch)
{
	return has_line(admin, "HEAD", "ref: refs/heads/", branch) ||
	    has_line(admin, "rebase-merge/head-name", "refs/heads/", branch) ||
	    has_line(admin, "rebase-apply/head-name", "refs/heads/", branch) ||
	    has_line(admin, "BISECT_START", "", branch);
}

struct search {
	const char *branch;
	char *ret; /* PATH_SIZE */
};

static bool
has_branch(void *argument, const char *admin, const char *path)
{
	struct search *s = argument;

	/* Ours are brought back to where they belong before each attempt,
	 * wherever a worker went. */
	if (worktree_is_ours(admin) || !is_at(admin, s->branch))
		return true;
	(void)path_format(s->ret, "%s", path);
	return false;
}

/* Whether there is a checkout beside the git directory, though g->top may be
 * another one. 1, 0, or -1. */
static int
has_main_checkout(struct git *g)
{
	char bare[16];
	int found = git_line(g, &at_top,
	    (const char *const[]){
		"config", "--type=bool", "--default=false", "core.bare", NULL },
	    bare, sizeof(bare));

	return found < 0 ? -1 : strcmp(bare, "true") != 0;
}

int
repository_is_checked_out(
    struct git *g, const char *branch, char ret[static PATH_SIZE])
{
	struct search search = { .branch = branch, .ret = ret };
	size_t len = strlen(g->common);
	int found = is_at(g->common, branch) ? has_main_checkout(g) : 0;

	if (found == 0)
		return worktree_each(g, has_branch, &search);
	if (found > 0 && len > 5 && strcmp(g->common + len - 5, "/.git") == 0)
		(void)path_format(ret, "%.*s", (int)len - 5, g->common);
	else if (found > 0)
		(void)path_format(ret, "%s", g->common);
	return found;
}

int
repository_contains(struct git *g, const char *branch, const char *commit)
{
	char ref[GIT_REF_SIZE], hash[GIT_HASH_SIZE];
	int found, status;

	(void)snprintf(ref, sizeof(ref), "refs/heads/%s", branch);
	found = repository_commit(g, ref, hash);
	if (found > 0)
		found = repository_commit(g, commit, hash);
	if (found <= 0)
		return found;
	status = git_run(g, &at_top,
	    (const char *const[]){
		"merge-base", "--is-ancestor", hash, ref, NULL });
	return status < 0 ? -1 : status == 0;
}

int
repository_was_merged(
    const char *repository, const char *branch, const char *commit)
{
	struct git g = { 0 };

	return git_open(&g, repository) < 0
	    ? -1
	    : repository_contains(&g, branch, commit);
}

int
repository_move_ref(struct git *g, const char *ref, const char *new,
    const char *old, const char *note)
{
	char now[GIT_HASH_SIZE], said[GIT_ERROR_SIZE];
	int found;

	/* An empty old value: it must not be there yet. */
	if (git_must(g, &at_top,
		(const char *const[]){ "update-ref", "--create-reflog", "-m",
		    note, ref, new, old, NULL }) == 0)
		return 1;
	if (errno != EPROTO)
		return -1;
	/* It says no when it isn't at old any more, and for other reasons. */
	(void)snprintf(said, sizeof(said), "%s", g->error);
	found = repository_commit(g, ref, now);
	if (found < 0)
		return -1;
	if ((found == 1) != (old[0] != '\0') ||
	    (found == 1 && strcmp(now, old) != 0))
		return 0;
	return git_fail(g, EPROTO, "%s", said);
}

int
repository_write_commit(struct git *g, const char *tree, const char *parent,
    const char *message, char ret[static GIT_HASH_SIZE])
{
	const struct git_call call = { .input = message,
		.input_len = strlen(message) };
	const char *arguments[] = { "commit-tree", tree, "-F", "-", NULL, NULL,
		NULL };

	if (parent[0] != '\0') {
		arguments[4] = "-p";
		arguments[5] = parent;
	}
	return git_must_line(g, &call, arguments, ret, GIT_HASH_SIZE);
}

int
repository_lock(struct git *g, const char *what)
{
	char path[PATH_SIZE];
	int fd = -1;

	if (path_format(path, "%s/loopkeeper", g->common) == 0 &&
	    path_make(path, 0700) == 0 &&
	    path_format(path, "%s/loopkeeper/%s.lock", g->common, what) == 0)
		fd = lock_take(AT_FDCWD, path);
	if (fd < 0 && errno != EAGAIN)
		(void)git_fail(g, errno, "%s: %s", path, strerror(errno));
	return fd;
}
