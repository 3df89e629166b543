#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/pattern.h"
#include "base/texts.h"
#include "git/copy.h"
#include "git/provision.h"
#include "git/setup_note.h"

int
provision_init(struct provision *p, const char *state_directory)
{
	size_t ncopy = texts_count(p->copy), nshared = texts_count(p->shared);

	p->own = calloc(ncopy + nshared + 1, sizeof(*p->own));
	if (p->own == NULL)
		return -1;
	(void)memcpy(p->own, p->copy, ncopy * sizeof(*p->own));
	(void)memcpy(p->own + ncopy, p->shared, nshared * sizeof(*p->own));
	return path_format(p->directory, "%s/shared", state_directory);
}

void
provision_free(struct provision *p)
{
	free(p->own);
	p->own = NULL;
}

static int
make_parent(const char *path)
{
	char directory[PATH_SIZE];

	return path_dirname(directory, path) < 0 ? -1
						 : path_make(directory, 0777);
}

static int
bring_copy(struct git *g, const struct provision *p, const struct worktree *w,
    const char *name)
{
	char from[PATH_SIZE], to[PATH_SIZE];
	struct stat st;

	if (path_format(from, "%s/%s", p->repository, name) < 0 ||
	    path_format(to, "%s/%s", w->path, name) < 0 ||
	    lstat(from, &st) < 0 || make_parent(to) < 0 ||
	    copy_tree(from, to) < 0)
		return git_fail(g, errno, "copy: %s/%s: %s", p->repository,
		    name, strerror(errno));
	return 0;
}

/* Whether link leads to folder already. */
static bool
is_link_to(const char *link, const char *folder)
{
	char target[PATH_SIZE];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = '\0';
	return strcmp(target, folder) == 0;
}

/* A link to the folder of that name that all have in common; what the worker
 * put in its place goes. */
static int
bring_shared(struct git *g, const struct provision *p, const struct worktree *w,
    const char *name)
{
	char folder[PATH_SIZE], link[PATH_SIZE];
	struct stat st;

	if (path_format(folder, "%s/%s", p->directory, name) < 0 ||
	    path_format(link, "%s/%s", w->path, name) < 0 ||
	    path_make(folder, 0700) < 0 || make_parent(link) < 0)
		return git_fail(
		    g, errno, "shared: %s: %s", name, strerror(errno));
	if (is_link_to(link, folder))
		return 0;
	if ((lstat(link, &st) == 0 && worktree_delete(link) < 0) ||
	    symlink(folder, link) < 0)
		return git_fail(g, errno, "shared: %s/%s: %s", w->path, name,
		    strerror(errno));
	return 0;
}

/* Copies and links, as far as they aren't there. */
static int
bring(struct git *g, const struct provision *p, const struct worktree *w)
{
	for (size_t i = 0; p->copy[i] != NULL; i++)
		if (bring_copy(g, p, w, p->copy[i]) < 0)
			return -1;
	for (size_t i = 0; p->shared[i] != NULL; i++)
		if (bring_shared(g, p, w, p->shared[i]) < 0)
			return -1;
	return 0;
}

int
provision_reset(struct git *g, const struct provision *p,
    const struct worktree *w, const char *branch, const char *commit,
    bool ignored)
{
	struct setup_note note;
	int result = -1;

	if (setup_note_read(g, w, &note) < 0)
		return -1;
	if (worktree_reset(g, w, branch, commit) == 0 &&
	    worktree_tidy(g, w, ignored, p->own, note.made) == 0)
		result = bring(g, p, w);
	setup_note_free(&note);
	return result;
}

/* Setup itself, and the files that decide about its result. */
static int
take_fingerprint(struct git *g, struct provision *p, const char *commit)
{
	struct git_call call = { 0 };
	char *output = NULL;
	size_t len = 0;
	uint64_t hash = hash_bytes(HASH_INIT, p->setup, strlen(p->setup) + 1);

	if (strcmp(p->fingerprint_commit, commit) == 0)
		return 0;
	call.ret_output = &output;
	call.ret_len = &len;
	if (git_must(g, &call,
		(const char *const[]){
		    "ls-tree", "-r", "-z", "--full-tree", commit, NULL }) < 0)
		return -1;
	/* MODE TYPE HASH TAB PATH NUL ... */
	for (const char *o = output; o < output + len; o += strlen(o) + 1) {
		const char *tab = strchr(o, '\t');

		if (tab != NULL && pattern_any(p->setup_when_changed, tab + 1))
			hash = hash_bytes(hash, o, strlen(o) + 1);
	}
	free(output);
	(void)snprintf(
	    p->fingerprint_commit, sizeof(p->fingerprint_commit), "%s", commit);
	p->fingerprint = hash;
	return 0;
}

int
provision_is_due(struct git *g, struct provision *p, const struct worktree *w,
    const char *commit)
{
	struct setup_note note;
	int due;

	if (p->setup[0] == '\0')
		return 0;
	if (take_fingerprint(g, p, commit) < 0 ||
	    setup_note_read(g, w, &note) < 0)
		return -1;
	due = !note.is_there || note.fingerprint != p->fingerprint;
	if (due && note.is_there && setup_note_remove(g, w) < 0)
		due = -1;
	setup_note_free(&note);
	return due;
}

int
provision_done(struct git *g, struct provision *p, const struct worktree *w,
    const char *commit)
{
	return take_fingerprint(g, p, commit) < 0
	    ? -1
	    : setup_note_write(g, w, p->fingerprint);
}

int
provision_doubt(struct git *g, struct provision *p, const struct worktree *w,
    const char *commit)
{
	return provision_is_due(g, p, w, commit) < 0 ? -1 : 0;
}
