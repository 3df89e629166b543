#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/loop/provision.h"
#include "agents/loop/workplace.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/pattern.h"
#include "base/texts.h"
#include "git/wreck.h"

static const char *const folders[WORKPLACE_TREES] = {
	[TREE_WORK] = "worktree", [TREE_VERIFY] = "verify"
};

int
workplace_init(struct workplace *w, const struct loop_config *config,
    const char *state_directory, bool (*tick)(void *), void *argument)
{
	size_t ncopy = texts_count(config->copy),
	       nshared = texts_count(config->shared);

	*w = (struct workplace){ .config = config };
	w->git.tick = tick;
	w->git.argument = argument;
	(void)snprintf(
	    w->git.author, sizeof(w->git.author), "%s", config->name);
	w->own = calloc(ncopy + nshared + 1, sizeof(*w->own));
	if (w->own == NULL ||
	    path_format(w->shared, "%s/shared", state_directory) < 0)
		return -1;
	(void)memcpy(w->own, config->copy, ncopy * sizeof(*w->own));
	(void)memcpy(w->own + ncopy, config->shared, nshared * sizeof(*w->own));
	return 0;
}

void
workplace_free(struct workplace *w)
{
	free(w->own);
	w->own = NULL;
}

int
workplace_tip(struct workplace *w, char ret[static GIT_HASH_SIZE])
{
	const char *branch = w->config->integration_branch;
	char where[PATH_SIZE];
	int found;

	if (repository_branch(&w->git, branch, ret) < 0)
		return -1;
	found = repository_is_checked_out(&w->git, branch, where);
	if (found > 0)
		return git_fail(&w->git, EPERM,
		    "branch %s is checked out in %s, where it must not be "
		    "moved: switch to another one there, or name another "
		    "integration_branch",
		    branch, where);
	return found;
}

/* A git that was killed leaves its lock on what it was about to write. */
static int
clear_locks(struct workplace *w)
{
	char integration[GIT_REF_SIZE], branch[GIT_REF_SIZE];

	(void)snprintf(integration, sizeof(integration), "refs/heads/%s",
	    w->config->integration_branch);
	(void)snprintf(
	    branch, sizeof(branch), "refs/heads/%s", w->config->branch);
	return wreck_clear_locks(&w->git, NULL,
	    (const char *const[]){ integration, branch, "packed-refs", NULL },
	    w->aside);
}

/* The same in our worktrees, also on the indices that are ours alone
 * (snapshot.c, candidate.c). */
static int
clear_tree_locks(struct workplace *w)
{
	static const char *const names[] = { "index", "HEAD",
		"loopkeeper-index", "loopkeeper-candidate", NULL };

	for (int i = 0; i < WORKPLACE_TREES; i++)
		if (wreck_clear_locks(&w->git, &w->trees[i], names, w->aside) <
		    0)
			return -1;
	return 0;
}

/* The worker's own commits are on the branch yet, where HEAD is made anew. */
static int
reattach(struct workplace *w)
{
	char ref[GIT_REF_SIZE], commit[GIT_HASH_SIZE];
	struct git_call call = { 0 };
	int found;

	(void)snprintf(ref, sizeof(ref), "refs/heads/%s", w->config->branch);
	found = repository_commit(&w->git, ref, commit);
	if (found <= 0)
		return found;
	worktree_call(&w->trees[TREE_WORK], &call);
	return git_must(&w->git, &call,
	    (const char *const[]){ "symbolic-ref", "HEAD", ref, NULL });
}

int
workplace_mend(
    struct workplace *w, enum workplace_tree tree, const char *commit)
{
	char path[PATH_SIZE], aside[PATH_SIZE];
	int made;

	if (path_format(path, "%s/%s", w->config->directory, folders[tree]) < 0)
		return git_fail(&w->git, errno, "%s: %s", w->config->directory,
		    strerror(errno));
	made = worktree_open(&w->git, &w->trees[tree], path, commit, aside);
	if (made >= 0 && aside[0] != '\0')
		(void)path_format(w->aside, "%s", aside);
	return made == 1 && tree == TREE_WORK ? reattach(w) : made < 0 ? -1 : 0;
}

int
workplace_open(struct workplace *w, char ret_tip[static GIT_HASH_SIZE])
{
	w->aside[0] = '\0';
	if (!w->is_open && git_open(&w->git, w->config->repository) < 0)
		return -1;
	w->is_open = true;
	if (clear_locks(w) < 0 || workplace_tip(w, ret_tip) < 0)
		return -1;
	if (workplace_mend(w, TREE_WORK, ret_tip) < 0 ||
	    workplace_mend(w, TREE_VERIFY, ret_tip) < 0)
		return -1;
	return clear_tree_locks(w);
}

/* Beside git's own files of the tree, and gone with it: the fingerprint that
 * setup was run with, and a line for each path that it made. */
static int
note_path(const struct workplace *w, enum workplace_tree tree,
    char path[static PATH_SIZE])
{
	return path_format(path, "%s/loopkeeper-setup", w->trees[tree].admin);
}

/* Lines as a NULL-ended list that points into them; NULL with ENOMEM. */
static char **
split_lines(char *text)
{
	size_t n = 1;
	char **lines, *line;

	for (const char *p = text; *p != '\0'; p++)
		n += *p == '\n';
	lines = calloc(n + 1, sizeof(*lines));
	n = 0;
	while (lines != NULL && (line = strsep(&text, "\n")) != NULL)
		if (line[0] != '\0')
			lines[n++] = line;
	return lines;
}

/* The note's text, to be freed; "" where there is none. */
static char *
read_note(const struct workplace *w, enum workplace_tree tree)
{
	char path[PATH_SIZE], *text = NULL;
	size_t size = 0;
	FILE *f;

	if (note_path(w, tree, path) < 0)
		return NULL;
	f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT ? strdup("") : NULL;
	/* To the end: there is no NUL in it. */
	if (getdelim(&text, &size, '\0', f) < 0 && !ferror(f)) {
		free(text);
		text = strdup("");
	}
	(void)fclose(f);
	return text;
}

/* Somebody else's HEAD must not be moved under him. */
static int
refuse_used_branch(struct workplace *w)
{
	const char *branch = w->config->branch;
	char where[PATH_SIZE];
	int found = repository_is_checked_out(&w->git, branch, where);

	return found > 0 ? git_fail(&w->git, EPERM,
			       "branch %s is checked out in %s, and is for the "
			       "loop's own worktree: switch to another one "
			       "there, or name another `branch`",
			       branch, where)
			 : found;
}

int
workplace_reset(
    struct workplace *w, enum workplace_tree tree, const char *commit)
{
	const struct worktree *t = &w->trees[tree];
	const char *branch = tree == TREE_WORK ? w->config->branch : NULL;
	char *note, **lines;
	char *const *made;
	int result = -1;

	if (workplace_mend(w, tree, commit) < 0 ||
	    (branch != NULL && refuse_used_branch(w) < 0))
		return -1;
	note = read_note(w, tree);
	lines = note != NULL ? split_lines(note) : NULL;
	/* The first line is the fingerprint. */
	made = lines == NULL || lines[0] == NULL ? lines : lines + 1;
	if (made == NULL)
		(void)git_fail(&w->git, errno, "%s/loopkeeper-setup: %s",
		    t->admin, strerror(errno));
	else if (worktree_reset(&w->git, t, branch, commit) == 0 &&
	    worktree_tidy(&w->git, t, tree == TREE_VERIFY, w->own, made) == 0)
		result = provision_tree(w, t);
	free(lines);
	free(note);
	return result;
}

/* Setup itself, and the files that decide about its result. */
static int
take_fingerprint(struct workplace *w, const char *commit)
{
	struct git_call call = { 0 };
	char *output = NULL;
	size_t len = 0;
	uint64_t hash = hash_bytes(
	    HASH_INIT, w->config->setup, strlen(w->config->setup) + 1);

	if (strcmp(w->fingerprint_commit, commit) == 0)
		return 0;
	call.ret_output = &output;
	call.ret_len = &len;
	if (git_must(&w->git, &call,
		(const char *const[]){
		    "ls-tree", "-r", "-z", "--full-tree", commit, NULL }) < 0)
		return -1;
	/* MODE TYPE HASH TAB PATH NUL ... */
	for (const char *p = output; p < output + len; p += strlen(p) + 1) {
		const char *tab = strchr(p, '\t');

		if (tab != NULL &&
		    pattern_any(w->config->setup_when_changed, tab + 1))
			hash = hash_bytes(hash, p, strlen(p) + 1);
	}
	free(output);
	(void)snprintf(
	    w->fingerprint_commit, sizeof(w->fingerprint_commit), "%s", commit);
	w->fingerprint = hash;
	return 0;
}

int
workplace_needs_setup(
    struct workplace *w, enum workplace_tree tree, const char *commit)
{
	char wanted[32], *note;
	int needs;

	if (w->config->setup[0] == '\0')
		return 0;
	if (take_fingerprint(w, commit) < 0)
		return -1;
	note = read_note(w, tree);
	if (note == NULL)
		return git_fail(&w->git, errno, "%s/loopkeeper-setup: %s",
		    w->trees[tree].admin, strerror(errno));
	(void)snprintf(wanted, sizeof(wanted), "%016llx\n",
	    (unsigned long long)w->fingerprint);
	needs = strncmp(note, wanted, strlen(wanted)) != 0;
	free(note);
	return needs;
}

int
workplace_set_up(
    struct workplace *w, enum workplace_tree tree, const char *commit)
{
	char path[PATH_SIZE], **made, *text = NULL;
	size_t len = 0;
	FILE *out;
	int result;

	if (take_fingerprint(w, commit) < 0)
		return -1;
	made = worktree_ignored(&w->git, &w->trees[tree]);
	if (made == NULL)
		return -1;
	out = open_memstream(&text, &len);
	if (out != NULL) {
		(void)fprintf(
		    out, "%016llx\n", (unsigned long long)w->fingerprint);
		for (size_t i = 0; made[i] != NULL; i++)
			(void)fprintf(out, "%s\n", made[i]);
	}
	texts_free(made);
	result = out == NULL || fclose(out) != 0 || note_path(w, tree, path) < 0
	    ? -1
	    : io_replace_file(AT_FDCWD, path, text, len, 0);
	free(text);
	return result < 0 ? git_fail(&w->git, errno, "%s/loopkeeper-setup: %s",
				w->trees[tree].admin, strerror(errno))
			  : 0;
}

int
workplace_worked(struct workplace *w, const char *snapshot)
{
	char path[PATH_SIZE];
	int needs = workplace_needs_setup(w, TREE_WORK, snapshot);

	if (needs <= 0)
		return needs;
	if (note_path(w, TREE_WORK, path) < 0 ||
	    (unlink(path) < 0 && errno != ENOENT))
		return git_fail(&w->git, errno, "%s/loopkeeper-setup: %s",
		    w->trees[TREE_WORK].admin, strerror(errno));
	return 0;
}
