#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/texts.h"
#include "git/repository.h"
#include "git/snapshot.h"

/* Whether there is a file at path that we may read. */
static bool
can_be_read(const char *work_tree, const char *path)
{
	char full[PATH_SIZE];
	struct stat st;

	return path_format(full, "%s/%s", work_tree, path) == 0 &&
	    lstat(full, &st) == 0 &&
	    (S_ISLNK(st.st_mode) ||
		(S_ISREG(st.st_mode) && access(full, R_OK) == 0));
}

/* git left something out. That it can't be read is nobody's loss; what can be
 * read and isn't in the index couldn't be stored, and would be lost. */
static int
check_left_out(
    struct git *g, const struct git_call *call, char *const *leave_out)
{
	char said[GIT_ERROR_SIZE], **paths;
	int result = 0;

	(void)snprintf(said, sizeof(said), "%s", g->error);
	paths = worktree_paths(g, call,
	    (const char *const[]){ "ls-files", "-z", "--others", "--modified",
		"--exclude-standard", NULL });
	if (paths == NULL)
		return -1;
	for (size_t i = 0; result == 0 && paths[i] != NULL; i++)
		if (!worktree_is_kept(paths[i], leave_out) &&
		    can_be_read(call->work_tree, paths[i]))
			result = git_fail(g, EPROTO, "git add: %s: %s",
			    paths[i], said[0] != '\0' ? said : "not stored");
	texts_free(paths);
	return result;
}

/* Whether a folder of path is a link. git takes no pattern for what is behind
 * one, and doesn't look there. */
static bool
is_behind_link(const char *work_tree, const char *path)
{
	char folder[PATH_SIZE];
	struct stat st;

	for (const char *slash = strchr(path, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/'))
		if (path_format(folder, "%s/%.*s", work_tree,
			(int)(slash - path), path) == 0 &&
		    lstat(folder, &st) == 0 && S_ISLNK(st.st_mode))
			return true;
	return false;
}

/* Everything into the index, but what is left out. */
static int
add_all(struct git *g, const struct worktree *w, struct git_call *call,
    char *const *leave_out)
{
	char *patterns = NULL;
	size_t len = 0;
	FILE *out;
	int result;

	if (worktree_unhide(g, w, call, leave_out) < 0)
		return -1;
	out = open_memstream(&patterns, &len);
	if (out == NULL)
		return git_fail(g, ENOMEM, "out of memory");
	(void)fputs(".", out);
	for (size_t i = 0; leave_out[i] != NULL; i++)
		if (!is_behind_link(call->work_tree, leave_out[i]))
			(void)fprintf(out, "%c:(exclude,top,literal)%s", '\0',
			    leave_out[i]);
	if (fclose(out) != 0) {
		free(patterns);
		return git_fail(g, ENOMEM, "out of memory");
	}
	call->input = patterns;
	call->input_len = len;
	/* Files that can't be read (one of another user) and repositories
	 * without a commit are left out by git itself, with exit status 1. */
	result = git_run(g, call,
	    (const char *const[]){ "add", "-A", "--ignore-errors",
		"--pathspec-from-file=-", "--pathspec-file-nul", NULL });
	call->input = NULL;
	free(patterns);
	return result <= 0 ? result : check_left_out(g, call, leave_out);
}

/* One entry of `diff --raw -z`, ":MODE MODE HASH HASH STATUS NUL PATH NUL". */
struct raw {
	const char *old_mode;
	const char *mode;
	const char *hash;
	const char *path;
};

/* Reads the entry at *p, which is then passed. False at the end. */
static bool
next_raw(char **p, const char *end, struct raw *ret)
{
	char *fields = *p, *path;

	if (*p >= end || fields[0] != ':')
		return false;
	path = fields + strlen(fields) + 1;
	if (path >= end)
		return false;
	*p = path + strlen(path) + 1;
	fields++;
	ret->old_mode = strsep(&fields, " ");
	ret->mode = strsep(&fields, " ");
	(void)strsep(&fields, " ");
	ret->hash = fields != NULL ? strsep(&fields, " ") : NULL;
	ret->path = path;
	return ret->hash != NULL;
}

/* What `update-index --index-info` takes: a path, or away with it. */
static void
put_info(FILE *out, const char *mode, const char *hash, const char *path)
{
	(void)fprintf(out, "%s %s\t%s%c", mode, hash, path, '\0');
}

#define GITLINK "160000"
#define NO_MODE "000000"

static int
update_index(
    struct git *g, const struct git_call *call, const char *info, size_t len)
{
	struct git_call c = *call;

	c.input = info;
	c.input_len = len;
	return len == 0 ? 0
			: git_must(g, &c,
			      (const char *const[]){
				  "update-index", "-z", "--index-info", NULL });
}

/* A repository that a worker made inside came in as the name of a commit that
 * nobody else has. */
static int
drop_repositories(struct git *g, const struct git_call *call, const char *base)
{
	char *output = NULL, *info = NULL, *p;
	size_t len = 0, info_len = 0;
	struct git_call c = *call;
	struct raw raw;
	FILE *out;
	int result;

	c.ret_output = &output;
	c.ret_len = &len;
	if (git_must(g, &c,
		(const char *const[]){ "diff-index", "--cached", "--raw", "-z",
		    "--no-renames", "--no-abbrev", "--ignore-submodules=none",
		    base, NULL }) < 0)
		return -1;
	p = output;
	out = open_memstream(&info, &info_len);
	while (out != NULL && next_raw(&p, output + len, &raw))
		if (strcmp(raw.mode, GITLINK) == 0 &&
		    strcmp(raw.old_mode, GITLINK) != 0)
			put_info(out, "0", raw.hash, raw.path);
	if (out == NULL || fclose(out) != 0)
		result = git_fail(g, ENOMEM, "out of memory");
	else
		result = update_index(g, call, info, info_len);
	free(output);
	free(info);
	return result;
}

/* Begins with an index of base: all files are looked at. */
static int
begin_anew(struct git *g, const struct git_call *call, const char *base)
{
	if (unlink(call->index_file) < 0 && errno != ENOENT)
		return git_fail(
		    g, errno, "%s: %s", call->index_file, strerror(errno));
	return git_must(
	    g, call, (const char *const[]){ "read-tree", base, NULL });
}

/* The tree of the files in the worktree. */
static int
write_tree(struct git *g, const struct worktree *w, const char *base,
    char *const *leave_out, const char *index, char ret[static GIT_HASH_SIZE])
{
	struct git_call call = { .index_file = index };
	int plain = worktree_is_plain(g, w);

	worktree_call(w, &call);
	if (plain < 0 || (plain == 0 && begin_anew(g, &call, base) < 0))
		return -1;
	if (add_all(g, w, &call, leave_out) < 0) {
		/* Not every damage is seen before. */
		if (errno != EPROTO || plain == 0 ||
		    begin_anew(g, &call, base) < 0 ||
		    add_all(g, w, &call, leave_out) < 0)
			return -1;
	}
	if (drop_repositories(g, &call, base) < 0)
		return -1;
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
	if (worktree_copy_index(g, w, index) < 0)
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

static int
compare_paths(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Those of the paths in which commit differs from base, as base has them; what
 * it doesn't have goes first, for it may be in the way. */
static int
describe(struct git *g, const char *commit, const char *base,
    const char **paths, size_t npaths, FILE *out)
{
	char *output = NULL;
	size_t len = 0;
	const struct git_call call = { .ret_output = &output, .ret_len = &len };
	struct raw raw;

	if (git_must(g, &call,
		(const char *const[]){ "diff-tree", "-r", "--raw", "-z",
		    "--no-renames", "--no-abbrev", "--no-commit-id", commit,
		    base, NULL }) < 0)
		return -1;
	for (int pass = 0; pass < 2; pass++) {
		char *copy = malloc(len + 1), *p = copy;

		if (copy == NULL) {
			free(output);
			return git_fail(g, ENOMEM, "out of memory");
		}
		(void)memcpy(copy, output, len + 1);
		while (next_raw(&p, copy + len, &raw)) {
			bool gone = strcmp(raw.mode, NO_MODE) == 0;

			if (gone == (pass == 0) &&
			    bsearch(&raw.path, paths, npaths, sizeof(*paths),
				compare_paths) != NULL)
				put_info(out, gone ? "0" : raw.mode, raw.hash,
				    raw.path);
		}
		free(copy);
	}
	free(output);
	return 0;
}

/* The same as text for update-index, to be freed. */
static int
describe_all(struct git *g, const char *commit, const char *base,
    char *const *paths, char **ret, size_t *ret_len)
{
	const char **sorted;
	size_t n = texts_count(paths);
	FILE *out;
	int result = -1;

	sorted = calloc(n + 1, sizeof(*sorted));
	out = open_memstream(ret, ret_len);
	if (sorted != NULL && out != NULL) {
		(void)memcpy(sorted, paths, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), compare_paths);
		result = describe(g, commit, base, sorted, n, out);
	} else
		result = git_fail(g, ENOMEM, "out of memory");
	if (out != NULL && fclose(out) != 0)
		result = git_fail(g, ENOMEM, "out of memory");
	free(sorted);
	return result;
}

int
snapshot_restore(struct git *g, const char *commit, const char *base,
    char *const *paths, const char *index_file, char ret[static GIT_HASH_SIZE])
{
	const struct git_call call = { .index_file = index_file };
	char *info = NULL;
	size_t len = 0;
	int result = describe_all(g, commit, base, paths, &info, &len);

	if (result == 0)
		result = git_must(g, &call,
		    (const char *const[]){ "read-tree", commit, NULL });
	if (result == 0)
		result = update_index(g, &call, info, len);
	if (result == 0)
		result = git_must_line(g, &call,
		    (const char *const[]){ "write-tree", NULL }, ret,
		    GIT_HASH_SIZE);
	free(info);
	(void)unlink(index_file);
	return result;
}
