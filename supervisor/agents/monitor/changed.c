#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/monitor/changed.h"
#include "base/clock.h"
#include "base/texts.h"
#include "git/setup_note.h"

#define REST 20 /* times as long as a look took */

void
changed_init(struct changed *c, const struct loop_config *config,
    bool (*tick)(void *argument), void *argument)
{
	*c = (struct changed){ .config = config };
	c->git.tick = tick;
	c->git.argument = argument;
	c->git.limit_ms = GIT_LOOK_MS;
}

static void
forget(struct changed *c)
{
	texts_free(c->paths);
	free(c->files);
	c->paths = NULL;
	c->files = NULL;
	c->n = 0;
}

void
changed_finish(struct changed *c)
{
	forget(c);
	c->attempt_id[0] = '\0';
}

/* Of a file that is gone only its folder tells, or the next one above it that
 * is there. Unlike the time of writing this one can't be set. */
static int64_t
changed_at(const struct worktree *w, const char *name)
{
	char path[PATH_SIZE], *slash;
	struct stat st;

	if (path_format(path, "%s/%s", w->path, name) < 0)
		return 0;
	while (lstat(path, &st) < 0) {
		slash = strrchr(path, '/');
		if (slash == path || slash == NULL)
			return 0;
		*slash = '\0';
	}
	return (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000;
}

/* Takes the list over, and of its paths all but what is nobody's work: it was
 * copied or linked there, or setup has made it. Returns 0, or -1 without. */
static int
take(struct changed *c, char **paths)
{
	const struct loop_config *config = c->config;
	struct changed_file *files =
	    calloc(texts_count(paths) + 1, sizeof(*files));
	struct setup_note note;
	size_t n = 0;

	if (files == NULL)
		return git_fail(&c->git, ENOMEM, "out of memory");
	if (setup_note_read(&c->git, &c->tree, &note) < 0) {
		free(files);
		return -1;
	}
	for (size_t i = 0; paths[i] != NULL; i++) {
		if (worktree_lies_in(paths[i], config->copy) ||
		    worktree_lies_in(paths[i], config->shared) ||
		    worktree_lies_in(paths[i], note.made))
			continue;
		files[n].wall_ms = changed_at(&c->tree, paths[i]);
		files[n++].path = paths[i];
	}
	setup_note_free(&note);
	forget(c);
	c->paths = paths;
	c->files = files;
	c->n = n;
	return 0;
}

/* Returns 1 with the worktree known, 0 when there is none (yet), or -1. */
static int
find_tree(struct changed *c)
{
	struct worktree *w = &c->tree;

	if (!c->is_open && git_open(&c->git, c->config->repository) < 0)
		return -1;
	c->is_open = true;
	if (path_format(w->path, "%s/worktree", c->config->directory) < 0)
		return git_fail(&c->git, errno, "%s: %s", c->config->directory,
		    strerror(errno));
	return worktree_find(&c->git, w);
}

static int
look(struct changed *c, const char *base)
{
	int found = find_tree(c);
	char **paths;

	if (found <= 0)
		return found;
	paths = worktree_changes(&c->git, &c->tree, base);
	if (paths == NULL)
		return -1;
	if (take(c, paths) < 0) {
		texts_free(paths);
		return -1;
	}
	return 1;
}

int
changed_look(struct changed *c, const struct progress *attempt, int64_t now_ms)
{
	const char *id = attempt != NULL ? attempt->attempt_id : "";
	int64_t begun_ms;
	int result;

	if (strcmp(id, c->attempt_id) != 0) {
		forget(c);
		(void)snprintf(c->attempt_id, sizeof(c->attempt_id), "%s", id);
	}
	/* Before its worker runs what lies there is another one's. */
	if (attempt == NULL || strcmp(attempt->state, "running") != 0 ||
	    now_ms < c->rest_ms)
		return 0;
	begun_ms = clock_ms();
	result = look(c, attempt->base_commit);
	c->rest_ms = now_ms + REST * (clock_ms() - begun_ms);
	return result;
}
