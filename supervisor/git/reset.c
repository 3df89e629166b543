/* All files of a worktree as a commit has them, whatever was done there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/texts.h"
#include "git/copy.h"
#include "git/worktree.h"
#include "git/wreck.h"

/* The index of a checkout in which nobody works, which git's own commands there
 * never see: what it says of the files is what we found when we wrote them. */
#define OWN_INDEX "loopkeeper-checkout"

int
worktree_is_plain(struct git *g, const struct worktree *w)
{
	char *output = NULL;
	size_t len = 0;
	struct git_call call = { .ret_output = &output, .ret_len = &len };
	int plain = 1;

	worktree_call(w, &call);
	if (git_must(g, &call,
		(const char *const[]){ "ls-files", "-v", "-z", NULL }) < 0)
		return errno == EPROTO ? 0 : -1;
	/* A letter, a blank, a path. */
	for (char *p = output; p < output + len; p += strlen(p) + 1)
		if (*p != 'H' && *p != 'M')
			plain = 0;
	free(output);
	return plain;
}

/* The same checkout without the index, which is put back where that fails: a
 * worktree without one counts as a wreck. */
static int
check_out_anew(struct git *g, const struct worktree *w,
    const struct git_call *call, const char *const *arguments)
{
	char path[PATH_SIZE], aside[PATH_SIZE];
	int result, error;

	if (path_format(path, "%s/index", w->admin) < 0 ||
	    path_format(aside, "%s/index.aside", w->admin) < 0 ||
	    (rename(path, aside) < 0 && errno != ENOENT))
		return git_fail(
		    g, errno, "%s/index: %s", w->admin, strerror(errno));
	result = git_must(g, call, arguments);
	error = errno;
	if (result < 0)
		(void)rename(aside, path);
	else
		(void)unlink(aside);
	errno = error;
	return result;
}

/* A link to where a folder was moved has git believe that nothing is amiss:
 * it looks at the files through it. */
static int
clear_links(
    struct git *g, const struct worktree *w, const struct git_call *call)
{
	char path[PATH_SIZE], **killed;
	struct stat st;
	int result = 0;

	killed = worktree_paths(g, call,
	    (const char *const[]){ "ls-files", "-z", "--killed", NULL });
	if (killed == NULL)
		return -1;
	for (size_t i = 0; result == 0 && killed[i] != NULL; i++)
		if (path_format(path, "%s/%s", w->path, killed[i]) < 0 ||
		    (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) &&
			unlink(path) < 0))
			result = git_fail(g, errno, "deleting %s: %s",
			    killed[i], strerror(errno));
	texts_free(killed);
	return result;
}

int
worktree_reset(struct git *g, const struct worktree *w, const char *branch,
    const char *commit)
{
	const char *const on_branch[] = { "checkout", "-q", "--force",
		"--no-track", "-B", branch, commit, NULL };
	const char *const detached[] = { "checkout", "-q", "--force",
		"--detach", commit, NULL };
	const char *const *arguments = branch != NULL ? on_branch : detached;
	struct git_call call = { 0 };
	int plain;

	worktree_call(w, &call);
	/* What a worker has left half-way: a merge, a rebase, a bisect. */
	if (wreck_forget_operations(g, w) < 0)
		return -1;
	/* An index that he has damaged, or told not to look at files, goes. */
	plain = worktree_is_plain(g, w);
	if (plain < 0)
		return -1;
	if (plain > 0) {
		plain = clear_links(g, w, &call) < 0
		    ? -1
		    : git_must(g, &call, arguments);
		if (plain == 0 || errno != EPROTO)
			return plain;
		/* Not every damage is seen before. */
	}
	return check_out_anew(g, w, &call, arguments);
}

/* Makes the admin directory's file `to` what `from` is, if that is there. The
 * time is a part of an index: what is no older isn't believed. */
static int
copy_index(
    struct git *g, const struct worktree *w, const char *from, const char *to)
{
	char path[PATH_SIZE], new[PATH_SIZE];
	int in = -1, out = -1, result = -1;
	struct stat st;

	if (path_format(path, "%s/%s", w->admin, from) == 0)
		in = open(path, O_RDONLY | O_CLOEXEC);
	if (in < 0 && errno == ENOENT)
		return 0;
	if (in >= 0 && fstat(in, &st) == 0 &&
	    path_format(path, "%s/%s", w->admin, to) == 0 &&
	    path_format(new, "%s/%s.new", w->admin, to) == 0)
		out = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (out >= 0 && copy_bytes(g, in, out) == 0 &&
	    futimens(out,
		(const struct timespec[]){ st.st_atim, st.st_mtim }) == 0 &&
	    rename(new, path) == 0)
		result = 0;
	io_close(&out);
	io_close(&in);
	return result == 0
	    ? 0
	    : git_fail(g, errno, "%s/%s: %s", w->admin, to, strerror(errno));
}

int
worktree_trust(struct git *g, const struct worktree *w)
{
	return copy_index(g, w, "index", OWN_INDEX);
}

static int
forget(struct git *g, const struct worktree *w, const char *name)
{
	char path[PATH_SIZE];

	return path_format(path, "%s/%s", w->admin, name) == 0 &&
		worktree_delete(g, path) == 0
	    ? 0
	    : git_fail(g, errno, "%s/%s: %s", w->admin, name, strerror(errno));
}

/* Where files of ours are to be, files may be: no folder that bars the way, and
 * no link that leads on. */
static int
make_room(struct git *g, const struct worktree *w)
{
	static const char *const names[] = { "config.worktree", "commondir",
		"index", OWN_INDEX };
	char path[PATH_SIZE], name[64];
	struct stat st;

	for (size_t i = 0; i < 2 * sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", names[i / 2],
		    i % 2 == 0 ? "" : ".new");
		if (path_format(path, "%s/%s", w->admin, name) == 0 &&
		    lstat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
		    forget(g, w, name) < 0)
			return -1;
	}
	return 0;
}

/* What leads from the admin directory to the repository's, for the tests' own
 * git; ours is told. */
static int
write_common(struct git *g, const struct worktree *w)
{
	static const char text[] = "../..\n";
	char path[PATH_SIZE];

	return path_format(path, "%s/commondir", w->admin) == 0 &&
		io_replace_file(AT_FDCWD, path, text, strlen(text), 0) == 0
	    ? 0
	    : git_fail(g, errno, "%s/commondir: %s", w->admin, strerror(errno));
}

/* Of the configuration that the worktree has of its own nothing is left but
 * what worktree_set_top() puts there; git heeds it where that is due. */
static int
write_config(struct git *g, const struct worktree *w)
{
	char path[PATH_SIZE], text[2 * PATH_SIZE + 64];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_add(&b, "[core]\n\tbare = false\n\tworktree = \"");
	for (const char *p = w->path; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_add(&b, "\\");
		if (*p == '\n')
			buf_add(&b, "\\n");
		else
			buf_add_bytes(&b, p, 1);
	}
	buf_add(&b, "\"\n");
	return path_format(path, "%s/config.worktree", w->admin) == 0 &&
		io_replace_file(AT_FDCWD, path, text, b.len, 0) == 0
	    ? 0
	    : git_fail(g, errno, "%s/config.worktree: %s", w->admin,
		  strerror(errno));
}

int
worktree_restore(struct git *g, const struct worktree *w, const char *commit)
{
	static const char *const locks[] = { OWN_INDEX, NULL };
	const char *const arguments[] = { "checkout", "-q", "--force",
		"--detach", commit, NULL };
	char path[PATH_SIZE], lock[PATH_SIZE];
	struct git_call call = { .index_file = path };
	int result;

	worktree_call(w, &call);
	if (path_format(path, "%s/" OWN_INDEX, w->admin) < 0)
		return git_fail(g, errno, "%s: %s", w->admin, strerror(errno));
	if (wreck_delete_old(g, w) < 0 || wreck_forget_operations(g, w) < 0 ||
	    make_room(g, w) < 0 || write_config(g, w) < 0 ||
	    write_common(g, w) < 0 || wreck_clear_locks(g, w, locks, lock) < 0)
		return -1;
	result =
	    clear_links(g, w, &call) < 0 ? -1 : git_must(g, &call, arguments);
	/* A damaged one is worth nothing, and all files are written. */
	if (result < 0 && errno == EPROTO && forget(g, w, OWN_INDEX) == 0)
		result = git_must(g, &call, arguments);
	return result < 0 ? -1 : copy_index(g, w, OWN_INDEX, "index");
}
