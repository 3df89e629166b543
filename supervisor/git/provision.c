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
#include "git/pristine.h"
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

/* Whether the commit that w is at has that path. 1, 0, or -1. */
static int
is_tracked(struct git *g, const struct worktree *w, const char *path)
{
	struct git_call call = { 0 };
	char pattern[PATH_SIZE], **paths;
	int tracked;

	worktree_call(w, &call);
	if (path_format(pattern, ":(top,literal)%s", path) < 0)
		return git_fail(g, errno, "%s: %s", path, strerror(errno));
	paths = worktree_paths(g, &call,
	    (const char *const[]){
		"ls-files", "-z", "--cached", "--", pattern, NULL });
	if (paths == NULL)
		return -1;
	tracked = paths[0] != NULL;
	texts_free(paths);
	return tracked;
}

/* Every folder of name is to be one: who went through a link would work
 * outside of w. What is in the way goes, unless the commit has it. Returns 1;
 * 0 where the way stays barred; or -1. */
static int
clear_way(struct git *g, const struct worktree *w, const char *name)
{
	for (const char *slash = strchr(name, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		char folder[PATH_SIZE], path[PATH_SIZE];
		struct stat st;
		int tracked;

		if (path_format(folder, "%.*s", (int)(slash - name), name) <
			0 ||
		    path_format(path, "%s/%s", w->path, folder) < 0)
			return git_fail(
			    g, errno, "%s: %s", name, strerror(errno));
		if (lstat(path, &st) < 0)
			return errno == ENOENT ? 1
					       : git_fail(g, errno, "%s: %s",
						     path, strerror(errno));
		/* Whoever wants to be in .git is refused, not obeyed. */
		if (S_ISDIR(st.st_mode) || strcmp(folder, ".git") == 0)
			continue;
		tracked = is_tracked(g, w, folder);
		if (tracked != 0)
			return tracked < 0 ? -1 : 0;
		if (worktree_delete(g, path) < 0)
			return git_fail(
			    g, errno, "deleting %s: %s", path, strerror(errno));
	}
	return 1;
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
	    copy_tree(g, from, to) < 0)
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
	if ((lstat(link, &st) == 0 && worktree_delete(g, link) < 0) ||
	    symlink(folder, link) < 0)
		return git_fail(g, errno, "shared: %s/%s: %s", w->path, name,
		    strerror(errno));
	return 0;
}

/* Copies and links, as far as they aren't there. */
static int
bring(struct git *g, const struct provision *p, const struct worktree *w)
{
	int clear = 1;

	for (size_t i = 0; clear >= 0 && p->copy[i] != NULL; i++) {
		clear = clear_way(g, w, p->copy[i]);
		if (clear > 0)
			clear = bring_copy(g, p, w, p->copy[i]);
	}
	for (size_t i = 0; clear >= 0 && p->shared[i] != NULL; i++) {
		clear = clear_way(g, w, p->shared[i]);
		if (clear > 0)
			clear = bring_shared(g, p, w, p->shared[i]);
	}
	return clear < 0 ? -1 : 0;
}

/* Puts the path of what isn't setup's, though it lies where setup made things,
 * on the list: those of shared, and what the commit has there. */
static int
list_others(struct git *g, const struct provision *p, const struct worktree *w,
    char *const *made, struct texts *ret)
{
	struct git_call call = { 0 };
	char **tracked;

	worktree_call(w, &call);
	tracked = worktree_paths(g, &call,
	    (const char *const[]){ "ls-files", "-z", "--cached", NULL });
	if (tracked == NULL)
		return -1;
	for (size_t i = 0; p->shared[i] != NULL; i++)
		(void)texts_add(ret, p->shared[i]);
	for (size_t i = 0; tracked[i] != NULL; i++)
		if (worktree_lies_in(tracked[i], made))
			(void)texts_add(ret, tracked[i]);
	texts_free(tracked);
	return 0;
}

/* What setup made, as it was made. 1, 0 where it can't be, or -1. */
static int
restore(struct git *g, const struct worktree *w, char *const *made,
    char *const *others)
{
	struct pristine pristine;
	int result = pristine_begin(&pristine, g, w, others), clear;

	for (size_t i = 0; result > 0 && made[i] != NULL; i++) {
		if (worktree_lies_in(made[i], others))
			continue;
		clear = clear_way(g, w, made[i]);
		if (clear < 0)
			result = -1;
		else if (clear > 0)
			result = pristine_restore(&pristine, i, made[i]);
	}
	return pristine_end(&pristine, result);
}

/* Whether all that is copied is among it. */
static bool
has_copies(const struct provision *p, char *const *made)
{
	for (size_t i = 0; p->copy[i] != NULL; i++)
		if (!worktree_lies_in(p->copy[i], made))
			return false;
	return true;
}

/* Where it can't be made so again, it is as if it had never been. */
static int
make_pristine(struct git *g, const struct provision *p,
    const struct worktree *w, struct setup_note *was)
{
	struct texts others = { 0 };
	char **list;
	int restored = -1;

	if (!was->is_there)
		return 0;
	if (!has_copies(p, was->made)) {
		restored = 0;
	} else if (list_others(g, p, w, was->made, &others) == 0) {
		list = texts_take(&others);
		restored = list == NULL
		    ? git_fail(g, errno, "%s: %s", w->path, strerror(errno))
		    : restore(g, w, was->made, list);
		texts_free(list);
	}
	if (restored != 0)
		return restored < 0 ? -1 : 0;
	was->is_there = false;
	return setup_note_remove(g, w) < 0
	    ? -1
	    : worktree_tidy(g, w, true, p->shared, NULL);
}

/* What is there by setup: what git ignores now, and what was copied, for what
 * setup did in there. To be freed by texts_free(). NULL with errno. */
static char **
list_made(struct git *g, const struct provision *p, const struct worktree *w)
{
	char **ignored = worktree_ignored(g, w), **made;
	struct texts list = { 0 };

	if (ignored == NULL)
		return NULL;
	for (size_t i = 0; ignored[i] != NULL; i++)
		(void)texts_add(&list, ignored[i]);
	for (size_t i = 0; p->copy[i] != NULL; i++)
		if (!worktree_lies_in(p->copy[i], ignored))
			(void)texts_add(&list, p->copy[i]);
	texts_free(ignored);
	made = texts_take(&list);
	if (made == NULL)
		(void)git_fail(g, errno, "%s: %s", w->path, strerror(errno));
	return made;
}

/* It is set up now. */
static int
note(struct git *g, const struct provision *p, const struct worktree *w,
    uint64_t fingerprint, bool ignored)
{
	char **made = list_made(g, p, w);
	int result;

	if (made == NULL)
		return -1;
	result = ignored ? pristine_keep(g, w, made, p->shared) : 0;
	if (result == 0)
		result = setup_note_write(g, w, fingerprint, made);
	texts_free(made);
	return result;
}

int
provision_reset(struct git *g, const struct provision *p,
    const struct worktree *w, const char *branch, const char *commit,
    bool ignored)
{
	struct setup_note was;
	int result;

	if (setup_note_read(g, w, &was) < 0)
		return -1;
	result = ignored ? worktree_restore(g, w, commit)
			 : worktree_reset(g, w, branch, commit);
	if (result == 0)
		result = worktree_tidy(
		    g, w, ignored, ignored ? p->shared : p->own, was.made);
	if (result == 0 && ignored)
		result = make_pristine(g, p, w, &was);
	if (result == 0)
		result = bring(g, p, w);
	/* Nobody else will do it. */
	if (result == 0 && ignored && !was.is_there && p->setup[0] == '\0' &&
	    p->copy[0] != NULL)
		result = note(g, p, w, 0, true);
	setup_note_free(&was);
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
    const char *commit, bool ignored)
{
	return take_fingerprint(g, p, commit) < 0
	    ? -1
	    : note(g, p, w, p->fingerprint, ignored);
}

int
provision_doubt(struct git *g, struct provision *p, const struct worktree *w,
    const char *commit)
{
	return provision_is_due(g, p, w, commit) < 0 ? -1 : 0;
}
