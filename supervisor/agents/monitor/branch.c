#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agents/monitor/branch.h"
#include "git/wreck.h"

static bool
is_same_list(char *const *a, char *const *b)
{
	size_t i = 0;

	while (a[i] != NULL && b[i] != NULL && strcmp(a[i], b[i]) == 0)
		i++;
	return a[i] == b[i];
}

static bool
is_same_branch(const struct loop_config *a, const struct loop_config *b)
{
	return strcmp(a->repository, b->repository) == 0 &&
	    strcmp(a->integration_branch, b->integration_branch) == 0;
}

/* Whether their tests can be run in the same worktree. */
static bool
is_alike(const struct loop_config *a, const struct loop_config *b)
{
	return is_same_branch(a, b) && strcmp(a->setup, b->setup) == 0 &&
	    is_same_list(a->setup_when_changed, b->setup_when_changed) &&
	    is_same_list(a->copy, b->copy) &&
	    is_same_list(a->shared, b->shared);
}

static char *
list_loops(const struct conf *conf, const struct loop_config *first)
{
	json_t *loops = json_array();
	char *text;

	for (size_t i = 0; i < conf->nloops; i++)
		if (is_alike(&conf->loops[i], first))
			(void)json_array_append_new(
			    loops, json_string(conf->loops[i].name));
	text = json_dumps(loops, JSON_COMPACT);
	json_decref(loops);
	return text;
}

char *
branches_configured(const struct conf *conf)
{
	json_t *names = json_array();
	char *text;

	for (size_t i = 0; i < conf->fleet.ncomponents; i++)
		(void)json_array_append_new(
		    names, json_string(conf->components[i]->name));
	text = json_dumps(names, JSON_COMPACT);
	json_decref(names);
	return text;
}

static int
init(struct branch *b, const struct conf *conf,
    const struct loop_config *config, const char *state_directory,
    const char *directory)
{
	*b = (struct branch){ .config = config,
		.directory = directory,
		.provision = { .repository = config->repository,
		    .setup = config->setup,
		    .setup_when_changed = config->setup_when_changed,
		    .copy = config->copy,
		    .shared = config->shared } };
	(void)snprintf(b->git.author, sizeof(b->git.author), "monitor");
	b->git.limit_ms = GIT_LOOK_MS;
	b->loops = list_loops(conf, config);
	if (b->loops == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (path_format(b->path, "%s/trees", directory) < 0 ||
	    path_make(b->path, 0700) < 0 ||
	    path_format(b->path, "%s/trees/%s", directory, config->name) < 0)
		return -1;
	return provision_init(&b->provision, state_directory);
}

/* With one branch only, what loops that are gone have done is on it, too; which
 * setup they had isn't known. */
static void
give_gone(struct branch *branches, size_t n)
{
	size_t same = 0;

	while (same < n &&
	    is_same_branch(branches[same].config, branches[0].config))
		same++;
	if (n > 0)
		branches[0].has_gone = same == n;
}

struct branch *
branches_make(const struct conf *conf, const char *state_directory,
    const char *directory, bool (*tick)(void *argument), void *argument,
    size_t *ret_n)
{
	struct branch *branches = calloc(conf->nloops + 1, sizeof(*branches));
	size_t n = 0, known;

	for (size_t i = 0; branches != NULL && i < conf->nloops; i++) {
		const struct loop_config *config = &conf->loops[i];

		for (known = 0; known < n; known++)
			if (is_alike(branches[known].config, config))
				break;
		if (known < n)
			continue;
		if (init(&branches[n++], conf, config, state_directory,
			directory) < 0) {
			branches_free(branches, n);
			return NULL;
		}
		branches[known].index = (int)(conf->nloops + n);
		branches[known].git.tick = tick;
		branches[known].git.argument = argument;
	}
	if (branches != NULL)
		give_gone(branches, n);
	*ret_n = n;
	return branches;
}

void
branches_free(struct branch *branches, size_t n)
{
	int saved = errno;

	for (size_t i = 0; i < n; i++) {
		free(branches[i].loops);
		provision_free(&branches[i].provision);
	}
	free(branches);
	errno = saved;
}

int
branch_tip(struct branch *b, char ret[static GIT_HASH_SIZE])
{
	char ref[GIT_REF_SIZE];

	if (!b->is_open && git_open(&b->git, b->config->repository) < 0)
		return -1;
	b->is_open = true;
	(void)snprintf(
	    ref, sizeof(ref), "refs/heads/%s", b->config->integration_branch);
	return repository_commit(&b->git, ref, ret);
}

int
branch_make_worktree(struct branch *b, const char *commit)
{
	char aside[PATH_SIZE];

	return worktree_open(&b->git, &b->tree, b->path, commit, aside) < 0 ||
		wreck_clear_locks(&b->git, &b->tree,
		    (const char *const[]){ "index", "HEAD", NULL }, aside) < 0
	    ? -1
	    : 0;
}
