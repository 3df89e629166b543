/* What lies in a worktree in which somebody is at work. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "git/repository.h"
#include "git/snapshot.h"

/* As update-index reads them. NULL when there is no memory. */
static char *
list(char *const *paths, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	for (size_t i = 0; out != NULL && paths[i] != NULL; i++)
		(void)fprintf(out, "%s%c", paths[i], '\0');
	if (out == NULL || fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int
write_tree(struct git *g, struct git_call *call, const char *base,
    char *const *paths, char ret[static GIT_HASH_SIZE])
{
	char *text = list(paths, &call->input_len);
	struct git_call plain = *call;
	int result;

	if (text == NULL)
		return git_fail(g, ENOMEM, "out of memory");
	plain.input_len = 0;
	result = git_must(
	    g, &plain, (const char *const[]){ "read-tree", base, NULL });
	call->input = text;
	/* Of the files in the index it looks at none but these. */
	if (result == 0)
		result = git_must(g, call,
		    (const char *const[]){ "update-index", "-z", "--add",
			"--remove", "--replace", "--stdin", NULL });
	if (result == 0)
		result = git_must_line(g, &plain,
		    (const char *const[]){ "write-tree", NULL }, ret,
		    GIT_HASH_SIZE);
	free(text);
	return result;
}

int
snapshot_peek(struct git *g, const struct worktree *w, const char *base,
    char *const *paths, char ret[static GIT_HASH_SIZE])
{
	char index[PATH_SIZE], tree[GIT_HASH_SIZE];
	struct git_call call = { .index_file = index };
	int result;

	worktree_call(w, &call);
	if (path_format(index, "%s/loopkeeper-peek", w->admin) < 0)
		return git_fail(g, errno, "%s: %s", w->admin, strerror(errno));
	result = write_tree(g, &call, base, paths, tree);
	(void)unlink(index);
	return result < 0
	    ? -1
	    : repository_write_commit(g, tree, base, "As it is\n", ret);
}
