#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return git_fail(g, EINVAL, "%s: %s", path,
		    errno == 0 || S_ISDIR(st.st_mode) ? "no directory"
						      : strerror(errno));
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

int
repository_commit(
    struct git *g, const char *rev, char ret[static GIT_HASH_SIZE])
{
	char text[PATH_SIZE];

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

/* Whether a HEAD names the branch. */
static bool
is_head(const char *path, const char *branch)
{
	char text[GIT_REF_SIZE + 64], wanted[GIT_REF_SIZE + 64];
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	(void)snprintf(wanted, sizeof(wanted), "ref: refs/heads/%s\n", branch);
	return strcmp(text, wanted) == 0;
}

struct search {
	const char *branch;
	char *ret; /* PATH_SIZE */
};

static bool
has_branch(void *argument, const char *admin, const char *path)
{
	struct search *s = argument;
	char head[PATH_SIZE];

	if (path_format(head, "%s/HEAD", admin) < 0 ||
	    !is_head(head, s->branch))
		return true;
	(void)path_format(s->ret, "%s", path);
	return false;
}

int
repository_is_checked_out(
    struct git *g, const char *branch, char ret[static PATH_SIZE])
{
	struct search search = { .branch = branch, .ret = ret };
	char path[PATH_SIZE];

	/* A bare repository's HEAD is checked out nowhere. */
	if (path_format(path, "%s/HEAD", g->common) == 0 &&
	    strcmp(g->top, g->common) != 0 && is_head(path, branch)) {
		(void)path_format(ret, "%s", g->top);
		return 1;
	}
	return worktree_each(g, has_branch, &search);
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
repository_delete_ref(struct git *g, const char *ref)
{
	return git_must(
	    g, &at_top, (const char *const[]){ "update-ref", "-d", ref, NULL });
}

int
repository_write_commit(struct git *g, const char *tree, const char *parent,
    const char *message, char ret[static GIT_HASH_SIZE])
{
	const struct git_call call = { .input = message,
		.input_len = strlen(message) };
	const char *arguments[] = { "commit-tree", tree, "-F", "-", NULL, NULL,
		NULL };
	int result;

	if (parent[0] != '\0') {
		arguments[4] = "-p";
		arguments[5] = parent;
	}
	result = git_line(g, &call, arguments, ret, GIT_HASH_SIZE);
	return result == 1 ? 0
	    : result == 0  ? git_fail(g, EPROTO, "git commit-tree: exit 1")
			   : -1;
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
