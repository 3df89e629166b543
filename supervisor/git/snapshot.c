#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "git/repository.h"
#include "git/snapshot.h"

#define EXCLUDE_MAX 40

/* A copy spares git the reading of files that haven't changed; a damaged
 * index is worth nothing, and all files are read. */
static int
copy_index(struct git *g, const struct worktree *w, const char *to)
{
	char from[PATH_SIZE];
	ssize_t n = -1;
	int in = -1, out;

	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		return git_fail(g, errno, "%s: %s", to, strerror(errno));
	if (path_format(from, "%s/index", w->admin) == 0)
		in = open(from, O_RDONLY | O_CLOEXEC);
	if (in >= 0)
		do
			n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
		while (n > 0);
	io_close(&in);
	io_close(&out);
	if (n < 0 && unlink(to) < 0)
		return git_fail(g, errno, "%s: %s", to, strerror(errno));
	return 0;
}

/* Everything into the index, but what is left out. */
static int
add_all(struct git *g, struct git_call *call, char *const *leave_out)
{
	const char *arguments[EXCLUDE_MAX + 8] = { "add", "-A",
		"--ignore-errors", "--", "." };
	char *patterns[EXCLUDE_MAX] = { 0 };
	size_t n = 5, i;
	int result = 0;

	for (i = 0; leave_out[i] != NULL && i < EXCLUDE_MAX; i++) {
		if (asprintf(&patterns[i], ":(exclude,top,literal)%s",
			leave_out[i]) < 0) {
			patterns[i] = NULL;
			result = git_fail(g, ENOMEM, "out of memory");
			break;
		}
		arguments[n++] = patterns[i];
	}
	arguments[n] = NULL;
	/* Files that can't be read (a socket, one of another user) are left
	 * out by git itself, with exit status 1. */
	if (result == 0)
		result = git_run(g, call, arguments) < 0 ? -1 : 0;
	for (i = 0; i < EXCLUDE_MAX; i++)
		free(patterns[i]);
	return result;
}

/* The tree of the files in the worktree. */
static int
write_tree(struct git *g, const struct worktree *w, const char *base,
    char *const *leave_out, const char *index, char ret[static GIT_HASH_SIZE])
{
	struct git_call call = { .index_file = index };

	worktree_call(w, &call);
	if (add_all(g, &call, leave_out) < 0) {
		/* An index that git can't read: without it. */
		if (errno != EPROTO || unlink(index) < 0 ||
		    git_must(g, &call,
			(const char *const[]){ "read-tree", base, NULL }) < 0 ||
		    add_all(g, &call, leave_out) < 0)
			return -1;
	}
	return git_must_line(g, &call,
	    (const char *const[]){ "write-tree", NULL }, ret, GIT_HASH_SIZE);
}

int
snapshot_take(struct git *g, const struct worktree *w, const char *base,
    char *const *leave_out, const char *ref, const char *message,
    char ret[static GIT_HASH_SIZE])
{
	char index[PATH_SIZE], tree[GIT_HASH_SIZE], parent[GIT_HASH_SIZE];
	struct git_call call = { 0 };
	int result;

	worktree_call(w, &call);
	if (path_format(index, "%s/loopkeeper-index", w->admin) < 0)
		return git_fail(g, errno, "%s: %s", w->admin, strerror(errno));
	if (copy_index(g, w, index) < 0)
		return -1;
	result = write_tree(g, w, base, leave_out, index, tree);
	(void)unlink(index);
	if (result < 0)
		return -1;
	/* What the worker committed itself goes along. */
	if (git_line(g, &call,
		(const char *const[]){
		    "rev-parse", "--verify", "--quiet", "HEAD^{commit}", NULL },
		parent, sizeof(parent)) != 1)
		(void)snprintf(parent, sizeof(parent), "%s", base);
	if (repository_write_commit(g, tree, parent, message, ret) < 0)
		return -1;
	return git_must(g, &(struct git_call){ 0 },
	    (const char *const[]){ "update-ref", ref, ret, NULL });
}

/* For `update-index --index-info`: each path as base has it. */
static int
describe(struct git *g, const char *commit, const char *base,
    char *const *paths, FILE *out)
{
	for (size_t i = 0; paths[i] != NULL; i++) {
		char line[PATH_SIZE + 128];
		const struct git_call call = { 0 };
		int found = git_line(g, &call,
		    (const char *const[]){ "--literal-pathspecs", "ls-tree",
			"--full-tree", "--format=%(objectmode) %(objectname)",
			base, "--", paths[i], NULL },
		    line, sizeof(line));

		if (found < 0)
			return -1;
		if (line[0] == '\0')
			(void)fprintf(out, "0 %0*d\t%s", (int)strlen(commit), 0,
			    paths[i]);
		else
			(void)fprintf(out, "%s\t%s", line, paths[i]);
		(void)fputc('\0', out);
	}
	return 0;
}

int
snapshot_restore(struct git *g, const char *commit, const char *base,
    char *const *paths, const char *index_file, char ret[static GIT_HASH_SIZE])
{
	struct git_call call = { .index_file = index_file };
	char *info = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&info, &len);
	int result;

	if (out == NULL)
		return git_fail(g, ENOMEM, "out of memory");
	result = describe(g, commit, base, paths, out);
	if (fclose(out) != 0)
		result = git_fail(g, ENOMEM, "out of memory");
	call.input = info;
	call.input_len = len;
	if (result == 0)
		result = git_must(g, &call,
		    (const char *const[]){ "read-tree", commit, NULL });
	if (result == 0)
		result = git_must(g, &call,
		    (const char *const[]){
			"update-index", "-z", "--index-info", NULL });
	if (result == 0)
		result = git_must_line(g, &call,
		    (const char *const[]){ "write-tree", NULL }, ret,
		    GIT_HASH_SIZE);
	free(info);
	(void)unlink(index_file);
	return result;
}
