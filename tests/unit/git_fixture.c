#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "git_fixture.h"

static struct git the_git;
struct git *git = &the_git;

static char directory[64], operators[65536];
static char *path_before;

static const char begin[] =
    "set -e; git config --global user.name Olaf;"
    "git config --global user.email olaf@example.org;"
    "git config --global init.defaultBranch main;"
    "git init -q $R; cd $R; git config alias.mine status;"
    "printf '1\\n2\\n3\\n' > a.txt; mkdir dir; echo b > dir/b.txt;"
    "printf '#!/bin/sh\\n' > run.sh; chmod 755 run.sh; ln -s a.txt link;"
    "printf '*.o\\nignored/\\n' > .gitignore;"
    "git add .; git commit -q -m Begin;"
    "echo stashed >> dir/b.txt; git stash -q;"
    "echo staged > staged; git add staged; echo changed >> a.txt;"
    "echo new > untracked; echo o > x.o";

/* Everything but what is ours and the objects, which only become more. */
static const char look[] =
    "cd $R && git for-each-ref refs/heads/main refs/stash &&"
    " find . \\( -path ./.git/objects -o -path ./.git/refs -o -path ./.git/logs"
    " -o -path ./.git/worktrees -o -path ./.git/loopkeeper"
    " -o -path ./.git/packed-refs \\) -prune"
    " -o -print0 | sort -z |"
    " while IFS= read -r -d '' f; do stat -c '%n %f %s' \"$f\";"
    " [ ! -f \"$f\" ] || sha256sum < \"$f\"; done";

const char *
at(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

/* What a shell is to do with command, whatever quotes are in it. */
static const char *
shell_line(const char *command)
{
	static char line[128];

	assert_int_equal(setenv("LINE", command, 1), 0);
	(void)snprintf(
	    line, sizeof(line), "cd %s && exec bash -c \"$LINE\"", directory);
	return line;
}

void
sh(const char *command)
{
	if (system(shell_line(command)) != 0)
		fail_msg("%s", command);
}

const char *
git_said(const char *command)
{
	static char text[65536];
	FILE *out = popen(shell_line(command), "re");
	size_t n;

	assert_non_null(out);
	n = fread(text, 1, sizeof(text) - 1, out);
	text[n] = '\0';
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	if (pclose(out) != 0)
		fail_msg("%s: %s", command, text);
	return text;
}

void
says(const char *expected, const char *command)
{
	const char *is = git_said(command);

	if (strcmp(is, expected) != 0)
		fail_msg("%s: '%s', not '%s'", command, is, expected);
}

void
gives(int expected, int result)
{
	if (result != expected)
		fail_msg("%d, not %d: %s (%s)", result, expected, git->error,
		    strerror(errno));
}

void
fails(int expected, const char *part, int result)
{
	assert_int_equal(result, -1);
	if (errno != expected || strstr(git->error, part) == NULL)
		fail_msg("'%s' (%s), not '%s' (%s)", git->error,
		    strerror(errno), part, strerror(expected));
}

const char *
commit_of(const char *rev)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "git -C $R rev-parse %s", rev);
	return git_said(command);
}

struct worktree
made(const char *name)
{
	char aside[PATH_SIZE];
	struct worktree w;

	gives(1, worktree_open(git, &w, at(name), "HEAD", aside));
	assert_string_equal(aside, "");
	return w;
}

void
fake_git(const char *script)
{
	char path[4096];

	assert_int_equal(setenv("SCRIPT", script, 1), 0);
	sh("export GIT=$(command -v git); mkdir -p bin;"
	   "{ echo '#!/bin/bash'; echo \"GIT=$GIT\"; echo \"$SCRIPT\"; } >"
	   " bin/git; chmod 755 bin/git");
	(void)snprintf(path, sizeof(path), "%s:%s", at("bin"), getenv("PATH"));
	assert_int_equal(setenv("PATH", path, 1), 0);
}

int
git_setup(void **state)
{
	(void)snprintf(directory, sizeof(directory), "/tmp/lk-git.XXXXXX");
	assert_non_null(mkdtemp(directory));
	assert_int_equal(setenv("HOME", directory, 1), 0);
	assert_int_equal(setenv("R", at("repository"), 1), 0);
	assert_int_equal(setenv("GIT_CONFIG_NOSYSTEM", "1", 1), 0);
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	path_before = strdup(getenv("PATH"));
	assert_non_null(path_before);
	sh(begin);
	*git = (struct git){ .author = "loop-1" };
	gives(0, git_open(git, at("repository")));
	(void)snprintf(operators, sizeof(operators), "%s", git_said(look));
	return 0;
}

int
git_teardown(void **state)
{
	char command[256];
	const char *is;

	assert_int_equal(setenv("PATH", path_before, 1), 0);
	free(path_before);
	is = git_said(look);
	for (size_t i = 0; operators[i] != '\0'; i++)
		if (operators[i] != is[i])
			fail_msg("changed: %.200s\nwas: %.200s", is + i,
			    operators + i);
	sh("cd $R && git fsck --no-dangling --no-progress 2>&1 &&"
	   " git stash list | grep -q 'WIP on main'");
	(void)snprintf(command, sizeof(command),
	    "chmod -R u+rwx %s && rm -rf %s", directory, directory);
	assert_int_equal(system(command), 0);
	return 0;
}

void
differ(const char *expected, const char *from, const char *to)
{
	char command[256];

	(void)snprintf(command, sizeof(command),
	    "cd $R; set -f; echo $(git diff-tree -r --no-renames --name-status"
	    " %s %s)",
	    from, to);
	says(expected, command);
}
