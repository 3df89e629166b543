/* Trees beside each other: what differs, and whether both go together. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/texts.h"
#include "git/repository.h"
#include "git/worktree.h"

static const struct git_call at_top = { 0 };

int
repository_changes(struct git *g, const char *from, const char *to,
    void (*found)(const struct repository_change *change, void *argument),
    void *argument)
{
	struct git_call call = at_top;
	char *output = NULL;
	size_t len = 0;
	int n = 0;

	call.ret_output = &output;
	call.ret_len = &len;
	if (git_must(g, &call,
		(const char *const[]){ "diff-tree", "-r", "-z", "--no-renames",
		    "--no-commit-id", "--name-status", from, to, NULL }) < 0)
		return -1;
	/* STATUS NUL PATH NUL ... */
	for (char *p = output; p < output + len; n++) {
		char status = *p;

		p += strlen(p) + 1;
		if (p >= output + len)
			break;
		found(&(struct repository_change){ status, p }, argument);
		p += strlen(p) + 1;
	}
	free(output);
	return n;
}

int
repository_deletions(struct git *g, const char *from, const char *to)
{
	char **paths = worktree_paths(g, &at_top,
	    (const char *const[]){ "diff-tree", "-r", "-z", "-M",
		"--no-commit-id", "--name-only", "--diff-filter=D", from, to,
		NULL });
	int n;

	if (paths == NULL)
		return -1;
	n = (int)texts_count(paths);
	texts_free(paths);
	return n;
}

#define LEFT_OVER ": leftover conflict marker"

/* Reads what `diff --check` says, "PATH:LINE: TEXT", and "+" with the line
 * where that is about white space. Returns whether there is a marker. */
static bool
read_check(char *lines, char *ret, size_t size)
{
	char *line, *end;

	while ((line = strsep(&lines, "\n")) != NULL) {
		size_t len = strlen(line), n = strlen(LEFT_OVER);

		if (line[0] == '+' || len < n ||
		    strcmp(line + len - n, LEFT_OVER) != 0)
			continue;
		line[len - n] = '\0';
		end = strrchr(line, ':');
		if (end == NULL)
			continue;
		*end = '\0';
		(void)snprintf(ret, size, "%s, line %s", line, end + 1);
		return true;
	}
	return false;
}

int
repository_conflict_left(
    struct git *g, const char *from, const char *to, char *ret, size_t size)
{
	struct git_call call = at_top;
	char *output = NULL;
	bool found;

	call.ret_output = &output;
	/* The middle of a conflict alone may be the line below a heading: only
	 * files with a beginning or an end are looked at. */
	if (git_run(g, &call,
		(const char *const[]){ "diff-tree", "--check", "--no-renames",
		    "--no-commit-id", "-G^(<{7,}|>{7,}) ", from, to, NULL }) <
	    0)
		return -1;
	found = read_check(output, ret, size);
	free(output);
	return found;
}

/* The first line is the tree, the rest are the files that conflict. */
static void
list_conflicts(char *lines, char *ret, size_t size)
{
	struct buf b;
	char *line;

	buf_init(&b, ret, size);
	(void)strsep(&lines, "\n");
	while ((line = strsep(&lines, "\n")) != NULL && line[0] != '\0')
		buf_addf(&b, "%s%s", b.len > 0 ? ", " : "", line);
}

/* Both merged into a tree. Returns 1 with it in ret; 0 when they don't go
 * together, with the files in conflicts; -1. */
static int
merge_trees(struct git *g, const char *ours, const char *theirs,
    char ret[static GIT_HASH_SIZE], char *conflicts, size_t size)
{
	struct git_call call = at_top;
	char *output = NULL;
	int status;

	call.ret_output = &output;
	status = git_run(g, &call,
	    (const char *const[]){ "merge-tree", "--write-tree", "--name-only",
		"--no-messages", ours, theirs, NULL });
	if (status == 0) {
		(void)snprintf(ret, GIT_HASH_SIZE, "%.*s",
		    (int)strcspn(output, "\n"), output);
		status = 1;
	} else if (status == 1 && output[0] != '\0') {
		list_conflicts(output, conflicts, size);
		status = 0;
	} else if (status > 0) { /* 1 also for what is no commit */
		status = git_fail(g, EPROTO, "git merge-tree: exit %d", status);
	}
	free(output);
	return status;
}

/* The tree of rev as a commit on parent ("" for none), which nobody keeps. */
static int
stand_in(struct git *g, const char *rev, const char *parent,
    char ret[static GIT_HASH_SIZE])
{
	char tree[GIT_REF_SIZE + 8];

	(void)snprintf(tree, sizeof(tree), "%s^{tree}", rev);
	return repository_write_commit(g, tree, parent, "stand-in", ret);
}

/* Both sides begin with what commit stands on: only what it changed itself is
 * put on onto, also where that hasn't what it stood on in its history. */
static int
begin_beside(struct git *g, const char *commit, const char *onto,
    char ret[static GIT_HASH_SIZE])
{
	char parent[GIT_REF_SIZE];

	(void)snprintf(parent, sizeof(parent), "%s^1", commit);
	return stand_in(g, onto, parent, ret);
}

char **
repository_merge(struct git *g, const char *commit, const char *onto,
    char ret[static GIT_HASH_SIZE])
{
	char *output = NULL, ours[GIT_HASH_SIZE];
	struct texts paths = { 0 };
	size_t len = 0;
	const struct git_call call = { .ret_output = &output, .ret_len = &len };
	int status = begin_beside(g, commit, onto, ours);

	if (status == 0)
		status = git_run(g, &call,
		    (const char *const[]){ "merge-tree", "--write-tree",
			"--name-only", "--no-messages", "-z", ours, commit,
			NULL });
	if (status > 1 || (status >= 0 && len == 0))
		status = git_fail(g, EPROTO, "git merge-tree: exit %d", status);
	if (status >= 0)
		(void)snprintf(ret, GIT_HASH_SIZE, "%s", output);
	for (const char *p = output; status == 1 && p < output + len;
	     p += strlen(p) + 1)
		if (p != output && p[0] != '\0')
			(void)texts_add(&paths, p);
	free(output);
	if (status < 0)
		return NULL;
	if (paths.failed)
		(void)git_fail(g, ENOMEM, "out of memory");
	return texts_take(&paths);
}

int
repository_rebase(struct git *g, const char *commit, const char *onto,
    const char *message, char ret[static GIT_HASH_SIZE], char *conflicts,
    size_t size)
{
	char ours[GIT_HASH_SIZE], tree[GIT_HASH_SIZE];
	int merged;

	if (begin_beside(g, commit, onto, ours) < 0)
		return -1;
	merged = merge_trees(g, ours, commit, tree, conflicts, size);
	if (merged <= 0)
		return merged;
	return repository_write_commit(g, tree, onto, message, ret) < 0 ? -1
									: 1;
}

int
repository_revert(struct git *g, const char *commit, const char *onto,
    const char *message, char ret[static GIT_HASH_SIZE], char *conflicts,
    size_t size)
{
	char parent[GIT_REF_SIZE], tree[GIT_HASH_SIZE];
	char base[GIT_HASH_SIZE], ours[GIT_HASH_SIZE], theirs[GIT_HASH_SIZE];
	int merged;

	/* git merge-tree takes no base but the one it finds: what was before
	 * the commit and what is now, both on what it made. */
	(void)snprintf(parent, sizeof(parent), "%s^1", commit);
	if (stand_in(g, commit, "", base) < 0 ||
	    stand_in(g, onto, base, ours) < 0 ||
	    stand_in(g, parent, base, theirs) < 0)
		return -1;
	merged = merge_trees(g, ours, theirs, tree, conflicts, size);
	if (merged <= 0)
		return merged;
	return repository_write_commit(g, tree, onto, message, ret) < 0 ? -1
									: 1;
}
