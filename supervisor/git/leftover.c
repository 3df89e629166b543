#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/io.h"
#include "base/text.h"
#include "base/texts.h"
#include "git/leftover.h"
#include "git/setup_note.h"
#include "git/snapshot.h"
#include "git/wreck.h"
#include "system/marked.h"

#define LOOP_SIZE (TEXT_NAME_MAX + 1)
#define LINE_SIZE (PATH_SIZE + GIT_ERROR_SIZE)

struct saving {
	struct git git;
	const char *state_directory;
	bool (*take)(const char *attempt, char *ret_loop, size_t size, void *);
	void (*say)(const char *line, void *);
	bool dry_run;
	void *argument;
	char loop[LOOP_SIZE]; /* the one at hand */
};

int
leftover_read(struct git *g, const char *path, struct leftover *ret)
{
	char text[UUID_SIZE + GIT_HASH_SIZE + 8], *base;

	if (io_read_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return errno == ENOENT || errno == ENOTDIR
		    ? 0
		    : git_fail(g, errno, "%s: %s", path, strerror(errno));
	base = strchr(text, ' ');
	if (base == NULL)
		return 0;
	*base++ = '\0';
	base[strcspn(base, "\n")] = '\0';
	(void)strlcpy(ret->attempt, text, sizeof(ret->attempt));
	(void)strlcpy(ret->base, base, sizeof(ret->base));
	(void)snprintf(ret->ref, sizeof(ret->ref),
	    "refs/loopkeeper/attempts/%s", ret->attempt);
	return 1;
}

int
leftover_keep(struct git *g, const struct worktree *w, const struct leftover *l,
    const char *loop, char *const *own, char *aside,
    char ret[static GIT_HASH_SIZE])
{
	static const char *const names[] = { "index", "loopkeeper-index",
		NULL };
	char message[512];

	(void)snprintf(message, sizeof(message),
	    "What %s left when it died\n\nLoop: %s\nAttempt: %s\n", loop, loop,
	    l->attempt);
	/* Its git may have died on this very ref. */
	if (wreck_clear_locks(
		g, NULL, (const char *const[]){ l->ref, NULL }, aside) < 0 ||
	    wreck_clear_locks(g, w, names, aside) < 0)
		return -1;
	return snapshot_take(g, w, l->base, own, l->ref, message, ret);
}

__attribute__((format(printf, 2, 3))) static void
report(const struct saving *s, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	text_clean(line);
	s->say(line, s->argument);
}

static void
tell(void *context, pid_t pid, const char *command, bool stays)
{
	const struct saving *s = context;

	report(s, "%s a process that %s left: %s (pid %d)",
	    stays ? "can't end" : "ended", s->loop, command, (int)pid);
}

/* By whichever name the loop knew its directory. */
static int
end_marked(struct saving *s, const char *directory)
{
	struct marked m = { .variable = MARKED_LOOP_DIRECTORY,
		.value = directory,
		.tell = tell,
		.context = s };
	char path[PATH_SIZE], real[PATH_SIZE];

	if (marked_end(&m) < 0)
		return -1;
	m.value = path;
	return path_format(path, "%s/%s", s->state_directory, s->loop) == 0 &&
		realpath(path, real) != NULL && strcmp(real, directory) == 0
	    ? marked_end(&m)
	    : 0;
}

/* Files of another user's repository would be in his way. */
static int
check_owner(struct git *g, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return git_fail(g, errno, "%s: %s", path, strerror(errno));
	return st.st_uid == geteuid()
	    ? 0
	    : git_fail(g, EPERM, "it belongs to another user");
}

static int
keep(struct saving *s, const char *directory, const char *path,
    const struct leftover *l)
{
	static char *const nothing[] = { NULL };
	char aside[PATH_SIZE], commit[GIT_HASH_SIZE];
	struct worktree w = { 0 };
	struct git *g = &s->git;

	if (check_owner(g, path) < 0)
		return -1;
	if (end_marked(s, directory) < 0)
		return git_fail(
		    g, EBUSY, "a process that works there can't be ended");
	(void)snprintf(g->author, sizeof(g->author), "%s", s->loop);
	if (worktree_open(g, &w, path, l->base, aside) < 0 ||
	    leftover_keep(g, &w, l, s->loop, nothing, aside, commit) < 0)
		return -1;
	/* What its worker did to what setup had made isn't known. */
	return setup_note_remove(g, &w);
}

static void
save(struct saving *s, const char *path)
{
	char directory[PATH_SIZE], marker[PATH_SIZE];
	struct leftover l;
	int found = -1;

	if (path_dirname(directory, path) == 0 &&
	    path_format(marker, "%s/specs/attempt", directory) == 0)
		found = leftover_read(&s->git, marker, &l);
	if (found <= 0 ||
	    !s->take(l.attempt, s->loop, sizeof(s->loop), s->argument))
		return;
	if (s->dry_run)
		report(
		    s, "keep what %s left in %s as %s", s->loop, path, l.ref);
	else if (keep(s, directory, path, &l) < 0)
		report(s, "what %s left in %s can't be kept: %s", s->loop, path,
		    s->git.error);
	else if (unlink(marker) < 0)
		report(s, "%s: %s", marker, strerror(errno));
	else
		report(
		    s, "kept what %s left in %s as %s", s->loop, path, l.ref);
}

static bool
note_tree(void *argument, const char *admin, const char *path)
{
	struct texts *trees = argument;

	if (worktree_is_ours(admin))
		(void)texts_add(trees, path);
	return true;
}

/* Those of ours; NULL for a repository that is no more: it has none. */
static char **
list_trees(struct git *g, const char *repository)
{
	struct texts trees = { 0 };

	if (git_open(g, repository) == 0)
		(void)worktree_each(g, note_tree, &trees);
	return texts_take(&trees);
}

void
leftover_save(const char *repository, const char *state_directory,
    bool (*take)(const char *attempt, char *ret_loop, size_t size, void *),
    void (*say)(const char *line, void *), bool dry_run, void *argument)
{
	struct saving s = { .state_directory = state_directory,
		.take = take,
		.say = say,
		.dry_run = dry_run,
		.argument = argument };
	char **trees = list_trees(&s.git, repository);

	for (size_t i = 0; trees != NULL && trees[i] != NULL; i++)
		save(&s, trees[i]);
	texts_free(trees);
}

void
leftover_trees(const char *repository, const char *state_directory,
    void (*found)(const char *path, const char *loop, void *), void *argument)
{
	char state[PATH_SIZE], loop[PATH_SIZE], **trees;
	struct git g = { 0 };
	size_t n;

	if (realpath(state_directory, state) == NULL)
		return;
	n = strlen(state);
	trees = list_trees(&g, repository);
	for (size_t i = 0; trees != NULL && trees[i] != NULL; i++) {
		char *slash;

		if (strncmp(trees[i], state, n) != 0 || trees[i][n] != '/' ||
		    path_format(loop, "%s", trees[i] + n + 1) < 0)
			continue;
		slash = strchr(loop, '/');
		if (slash == NULL || strchr(slash + 1, '/') != NULL)
			continue;
		*slash = '\0';
		found(trees[i], loop, argument);
	}
	texts_free(trees);
}
