#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/loop/hooks.h"
#include "base/io.h"
#include "base/text.h"

#define COUNT_MAX 100000

/* All that git runs in a checkout. */
static const struct {
	const char *name;
	bool commits; /* it comes before a commit, and may refuse it */
} hooks[] = {
	{ "applypatch-msg", false },
	{ "pre-applypatch", true },
	{ "post-applypatch", false },
	{ "pre-commit", true },
	{ "pre-merge-commit", false },
	{ "prepare-commit-msg", false },
	{ "commit-msg", false },
	{ "post-commit", false },
	{ "pre-rebase", false },
	{ "post-checkout", false },
	{ "post-merge", false },
	{ "post-rewrite", false },
	{ "pre-push", false },
	{ "pre-auto-gc", false },
	{ "post-index-change", false },
	{ "reference-transaction", false },
	{ "sendemail-validate", false },
};
#define NHOOKS (sizeof(hooks) / sizeof(hooks[0]))

/* As one word for the shell. */
static void
put_quoted(FILE *out, const char *text)
{
	(void)fputc('\'', out);
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			(void)fputs("'\\''", out);
		else
			(void)fputc(*text, out);
	}
	(void)fputc('\'', out);
}

static void
put_variable(FILE *out, const char *name, const char *value)
{
	(void)fprintf(out, "%s=", name);
	put_quoted(out, value);
	(void)fputc('\n', out);
}

/* Where the repository's own hooks lie, as git would find them without us, and
 * what is in the environment put back to that: tools that install hooks must
 * not find ours. */
static const char find_own[] =
    "set -f\n"
    "own=\n"
    "IFS='\n'\n"
    "for path in $(git config --type=path --get-all core.hooksPath); do\n"
    "	[ \"$path\" = \"$ours\" ] || own=$path\n"
    "done\n"
    "unset IFS\n"
    "[ -n \"$own\" ] || own=$(git rev-parse --git-common-dir)/hooks\n"
    "i=0\n"
    "while [ \"$i\" -lt \"${GIT_CONFIG_COUNT:-0}\" ]; do\n"
    "	eval \"path=\\$GIT_CONFIG_VALUE_$i\"\n"
    "	[ \"$path\" != \"$ours\" ] || export \"GIT_CONFIG_VALUE_$i=$own\"\n"
    "	i=$((i + 1))\n"
    "done\n"
    "own=$own/${0##*/}\n";

static void
put_script(
    FILE *out, const struct hooks *h, const char *directory, bool commits)
{
	(void)fputs("#!/bin/sh\n"
		    "# Of loopkeeper, for the worktrees of a loop.\n",
	    out);
	if (h->repository_hooks) {
		put_variable(out, "ours", directory);
		(void)fputs(find_own, out);
		(void)fputs(commits
			? "if [ -x \"$own\" ]; then\n"
			  "	\"$own\" \"$@\" || exit\n"
			  "fi\n"
			: "[ ! -x \"$own\" ] || exec \"$own\" \"$@\"\n",
		    out);
	}
	if (!commits)
		return;
	put_variable(out, "program", h->program);
	(void)fputs("[ -x \"$program\" ] || exit 0\n", out);
	put_variable(out, "export LOOPKEEPER_CONFIG", h->config);
	put_variable(out, "export LOOPKEEPER_LOOP", h->loop);
	put_variable(out, "export LOOPKEEPER_REPOSITORY", h->repository);
	(void)fputs("exec \"$program\" check-commit\n", out);
}

/* One script, executable. */
static int
write_script(const struct hooks *h, const char *directory, const char *path,
    bool commits)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int result;

	if (out == NULL)
		return -1;
	put_script(out, h, directory, commits);
	if (fclose(out) != 0) {
		free(text);
		errno = ENOMEM;
		return -1;
	}
	result = io_replace_file(AT_FDCWD, path, text, len, 0);
	free(text);
	return result == 0 ? chmod(path, 0755) : -1;
}

int
hooks_write(const struct hooks *h, char *what)
{
	char directory[PATH_SIZE];
	int result = 0;

	(void)path_format(what, "%s/hooks", h->directory);
	if (path_format(directory, "%s/hooks", h->directory) < 0 ||
	    path_make(directory, 0755) < 0)
		return -1;
	for (size_t i = 0; i < NHOOKS && result == 0; i++) {
		if (path_format(what, "%s/%s", directory, hooks[i].name) < 0)
			return -1;
		if (hooks[i].commits || h->repository_hooks)
			result =
			    write_script(h, directory, what, hooks[i].commits);
		else if (unlink(what) < 0 && errno != ENOENT)
			result = -1;
	}
	return result;
}

int
hooks_variables(const struct hooks *h,
    char ret[static HOOKS_VARIABLES][HOOKS_VARIABLE_SIZE])
{
	const char *text = getenv("GIT_CONFIG_COUNT");
	int64_t n = 0;

	/* git itself refuses a number that is none. */
	if (text != NULL)
		(void)text_parse_int(text, 0, COUNT_MAX, &n);
	(void)snprintf(ret[0], HOOKS_VARIABLE_SIZE, "GIT_CONFIG_COUNT=%lld",
	    (long long)n + 1);
	(void)snprintf(ret[1], HOOKS_VARIABLE_SIZE,
	    "GIT_CONFIG_KEY_%lld=core.hooksPath", (long long)n);
	if (snprintf(ret[2], HOOKS_VARIABLE_SIZE,
		"GIT_CONFIG_VALUE_%lld=%s/hooks", (long long)n,
		h->directory) < HOOKS_VARIABLE_SIZE)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int
hooks_set_worktree_config(
    struct git *g, const struct worktree *w, const struct hooks *h)
{
	char path[PATH_SIZE], on[16];
	struct git_call call = { 0 };
	int found;

	worktree_call(w, &call);
	found = git_line(g, &call,
	    (const char *const[]){ "config", "--type=bool", "--get",
		"extensions.worktreeConfig", NULL },
	    on, sizeof(on));
	if (found <= 0 || strcmp(on, "true") != 0)
		return found < 0 ? -1 : 0;
	if (path_format(path, "%s/hooks", h->directory) < 0)
		return git_fail(
		    g, errno, "%s: %s", h->directory, strerror(errno));
	return git_must(g, &call,
		   (const char *const[]){ "config", "--worktree",
		       "core.hooksPath", path, NULL }) < 0
	    ? -1
	    : 1;
}
