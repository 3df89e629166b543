/* What has become of the files of a worktree, while somebody works on them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/texts.h"
#include "git/worktree.h"

/* As recent as the index: git looks twice at files that are as recent, for
 * they may have been written since, to the same size. */
static int
copy(int in, int out)
{
	struct stat st;
	ssize_t n;

	do
		n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
	while (n > 0);
	if (n < 0 || fstat(in, &st) < 0)
		return -1;
	return futimens(out, (struct timespec[]){ st.st_atim, st.st_mtim });
}

/* A copy spares git the reading of files that haven't changed; a damaged
 * index is worth nothing, and all files are read. */
int
worktree_copy_index(struct git *g, const struct worktree *w, const char *to)
{
	char from[PATH_SIZE];
	int in = -1, out, copied = -1;

	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		return git_fail(g, errno, "%s: %s", to, strerror(errno));
	if (path_format(from, "%s/index", w->admin) == 0)
		in = open(from, O_RDONLY | O_CLOEXEC);
	if (in >= 0)
		copied = copy(in, out);
	io_close(&in);
	io_close(&out);
	if (copied < 0 && unlink(to) < 0)
		return git_fail(g, errno, "%s: %s", to, strerror(errno));
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* In order, each once. */
static void
tidy(struct texts *t)
{
	size_t n = 0;

	if (t->n == 0)
		return;
	qsort(t->items, t->n, sizeof(*t->items), compare);
	for (size_t i = 1; i < t->n; i++)
		if (strcmp(t->items[i], t->items[n]) == 0)
			free(t->items[i]);
		else
			t->items[++n] = t->items[i];
	t->n = n + 1;
	t->items[t->n] = NULL;
}

/* Adds what one run of git lists. Returns 0 or -1. */
static int
add(struct git *g, const struct git_call *call, const char *const *arguments,
    struct texts *t)
{
	char **paths = worktree_paths(g, call, arguments);

	for (size_t i = 0; paths != NULL && paths[i] != NULL; i++)
		(void)texts_add(t, paths[i]);
	texts_free(paths);
	return paths != NULL ? 0 : -1;
}

char **
worktree_changes(struct git *g, const struct worktree *w, const char *commit)
{
	char index[PATH_SIZE];
	struct git_call call = { .index_file = index };
	struct texts paths = { 0 };
	int result, saved;

	worktree_call(w, &call);
	if (path_format(index, "%s/loopkeeper-changes", w->admin) < 0) {
		(void)git_fail(g, errno, "%s: %s", w->admin, strerror(errno));
		return NULL;
	}
	if (worktree_copy_index(g, w, index) < 0)
		return NULL;
	result = add(g, &call,
	    (const char *const[]){ "diff", "--name-only", "-z", "--no-renames",
		"--no-ext-diff", commit, "--", NULL },
	    &paths);
	/* What was taken out of the index is in both lists. */
	if (result == 0)
		result = add(g, &call,
		    (const char *const[]){ "ls-files", "-z", "--others",
			"--exclude-standard", NULL },
		    &paths);
	saved = errno;
	(void)unlink(index);
	errno = saved;
	if (result < 0) {
		texts_free(paths.items);
		return NULL;
	}
	tidy(&paths);
	return texts_take(&paths);
}
