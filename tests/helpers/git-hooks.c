/*
 * git-hooks DIRECTORY LOOP REPOSITORY own|none PROGRAM CONFIG [WORKTREE]: makes
 * DIRECTORY/hooks as a loop does, and prints the variables that its workers are
 * given, one a line. With WORKTREE its own configuration is set as well, where
 * the repository has such; then that is said.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "agents/loop/hooks.h"
#include "git/repository.h"

static void
set_config(const struct hooks *h, const char *path)
{
	struct git g = { 0 };
	struct worktree w;
	char aside[PATH_SIZE];
	int set;

	if (git_open(&g, h->repository) < 0 ||
	    worktree_open(&g, &w, path, "HEAD", aside) < 0 ||
	    (set = hooks_set_worktree_config(&g, &w, h)) < 0)
		errx(1, "%s", g.error);
	printf("%s\n", set ? "set" : "not set");
}

int
main(int argc, char **argv)
{
	struct texts variables = { 0 };
	char what[PATH_SIZE];
	struct git g = { 0 };
	struct hooks h;

	if (argc < 7)
		errx(2, "see the source");
	if (git_open(&g, argv[3]) < 0)
		errx(1, "%s", g.error);
	h = (struct hooks){ .directory = argv[1],
		.loop = argv[2],
		.repository = argv[3],
		.common = g.common,
		.branch = "loop-1/working",
		.integration_branch = "loopkeeper/main",
		.repository_hooks = strcmp(argv[4], "own") == 0,
		.program = argv[5],
		.config = argv[6] };
	if (hooks_write(&h, what) < 0)
		err(1, "%s", what);
	if (argc > 7) {
		set_config(&h, argv[7]);
		return 0;
	}
	hooks_add_variables(&h, &variables);
	if (variables.failed)
		errx(1, "out of memory");
	for (size_t i = 0; i < variables.n; i++)
		printf("%s\n", variables.items[i]);
	texts_free(variables.items);
	return 0;
}
