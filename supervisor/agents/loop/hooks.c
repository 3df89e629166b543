#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/loop/git_program.h"
#include "agents/loop/hooks.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"

#define COUNT_MAX 100000

enum kind {
	PASSED_ON, /* only to the repository's own */
	COMMITS,   /* it comes before a commit, and may refuse it */
	REFS,	   /* before a ref is moved, told on stdin */
	PUSHES,	   /* before something is pushed */
	PROGRAM,   /* no hook: bin/git */
};

/* All that git runs in a checkout. */
static const struct {
	const char *name;
	enum kind kind;
} hooks[] = {
	{ "applypatch-msg", PASSED_ON },
	{ "pre-applypatch", COMMITS },
	{ "post-applypatch", PASSED_ON },
	{ "pre-commit", COMMITS },
	{ "pre-merge-commit", PASSED_ON },
	{ "prepare-commit-msg", PASSED_ON },
	{ "commit-msg", PASSED_ON },
	{ "post-commit", PASSED_ON },
	{ "pre-rebase", PASSED_ON },
	{ "post-checkout", PASSED_ON },
	{ "post-merge", PASSED_ON },
	{ "post-rewrite", PASSED_ON },
	{ "pre-push", PUSHES },
	{ "pre-auto-gc", PASSED_ON },
	{ "post-index-change", PASSED_ON },
	{ "reference-transaction", REFS },
	{ "sendemail-validate", PASSED_ON },
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

/* Only the loop's repository is held: tests may make some of their own. */
static const char refuse[] =
    "refuse() {\n"
    "	[ \"$(git rev-parse --git-common-dir)\" -ef \"$common\" ] || return\n"
    "	echo \"loopkeeper: $1\" >&2\n"
    "	exit 1\n"
    "}\n";

/* A line of the input is "OLD NEW REF". What isn't named belongs to the
 * worktree, or is what a fetch brings. */
static const char refuse_refs[] =
    "input=$(cat)\n"
    "[ \"$1\" != prepared ] || while read -r old new ref; do\n"
    "	case $ref in\n"
    "	refs/heads/\"$branch\")\n"
    "		refuse \"$branch isn't to be moved from here: what lies in the"
    " worktree is verified and merged by itself\"\n"
    "		;;\n"
    "	refs/heads/\"$working\" | refs/heads/\"$loop\"/*) ;;\n"
    "	refs/stash)\n"
    "		refuse \"stashes are the operator's, whose repository this is:"
    " commit to $working instead, or to a branch $loop/NAME\"\n"
    "		;;\n"
    "	refs/tags/*)\n"
    "		refuse \"$ref isn't to be changed from here: tags are the"
    " operator's; name a branch $loop/NAME instead, or fetch with"
    " --no-tags\"\n"
    "		;;\n"
    "	refs/heads/* | refs/notes/* | refs/replace/* |"
    " refs/loopkeeper/*)\n"
    "		refuse \"$ref isn't to be changed from here: commit to"
    " $working instead, or to a branch $loop/NAME\"\n"
    "		;;\n"
    "	esac\n"
    "done <<END\n"
    "$input\n"
    "END\n";

static const char refuse_push[] =
    "refuse \"nothing is pushed from here: commit to $working, where it is"
    " verified and merged by itself\"\n";

/* How the repository's own hook of that name is called. */
static const char *const call_own[] = {
	[PASSED_ON] = "[ ! -x \"$own\" ] || exec \"$own\" \"$@\"\n",
	[COMMITS] = ("if [ -x \"$own\" ]; then\n"
		     "	\"$own\" \"$@\" || exit\n"
		     "fi\n"),
	[REFS] = ("[ ! -x \"$own\" ] ||"
		  " printf '%s\\n' \"$input\" | \"$own\" \"$@\"\n"),
	[PUSHES] = "[ ! -x \"$own\" ] || exec \"$own\" \"$@\"\n",
};

/* Whichever git is run, and whatever it is told: an address is made one that
 * nobody serves, and what has an address for pushes, which that doesn't reach,
 * is asked for what servers don't do. */
static const char push_nowhere[] =
    "# Of loopkeeper, for the worktrees of a loop.\n"
    "[url \"loopkeeper-nothing-is-pushed://\"]\n"
    "	pushInsteadOf = \"\"\n"
    "[push]\n"
    "	gpgSign = true\n";

static void
put_names(FILE *out, const struct hooks *h)
{
	put_variable(out, "common", h->common);
	put_variable(out, "loop", h->loop);
	put_variable(out, "working", h->branch);
	put_variable(out, "branch",
	    h->integration_branch != NULL ? h->integration_branch : "");
}

static void
put_refusals(FILE *out, const struct hooks *h, const char *refusals)
{
	put_names(out, h);
	(void)fputs(refuse, out);
	(void)fputs(refusals, out);
}

static void
put_program(FILE *out, const struct hooks *h, const char *directory)
{
	put_names(out, h);
	put_variable(out, "ours", directory);
	(void)fputs(git_program_text, out);
}

static void
put_script(
    FILE *out, const struct hooks *h, const char *directory, enum kind kind)
{
	(void)fputs("#!/bin/sh\n"
		    "# Of loopkeeper, for the worktrees of a loop.\n",
	    out);
	if (kind == REFS)
		put_refusals(out, h, refuse_refs);
	else if (kind == PUSHES)
		put_refusals(out, h, refuse_push);
	else if (kind == PROGRAM)
		put_program(out, h, directory);
	if (h->repository_hooks && kind != PROGRAM) {
		put_variable(out, "ours", directory);
		(void)fputs(find_own, out);
		(void)fputs(call_own[kind], out);
	}
	if (kind != COMMITS)
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
    enum kind kind)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int result;

	if (out == NULL)
		return -1;
	put_script(out, h, directory, kind);
	if (fclose(out) != 0) {
		free(text);
		errno = ENOMEM;
		return -1;
	}
	result = io_replace_file(AT_FDCWD, path, text, len, 0);
	free(text);
	return result == 0 ? chmod(path, 0755) : -1;
}

static int
write_program(const struct hooks *h, char *what)
{
	char directory[PATH_SIZE];

	(void)path_format(what, "%s/bin", h->directory);
	if (path_format(directory, "%s/bin", h->directory) < 0 ||
	    path_make(directory, 0755) < 0 ||
	    path_format(what, "%s/git", directory) < 0)
		return -1;
	return write_script(h, directory, what, PROGRAM);
}

static int
write_config(const struct hooks *h, char *what)
{
	if (path_format(what, "%s/hooks/git.config", h->directory) < 0)
		return -1;
	return io_replace_file(
	    AT_FDCWD, what, push_nowhere, strlen(push_nowhere), 0);
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
		if (hooks[i].kind != PASSED_ON || h->repository_hooks)
			result =
			    write_script(h, directory, what, hooks[i].kind);
		else if (unlink(what) < 0 && errno != ENOENT)
			result = -1;
	}
	return result == 0 && write_program(h, what) == 0
	    ? write_config(h, what)
	    : -1;
}

/* Adds DIRECTORY as git compares folders: nothing in it is a pattern. */
static void
add_literal(struct buf *b, const char *directory)
{
	for (const char *p = directory; *p != '\0'; p++) {
		if (strchr("*?[\\", *p) != NULL)
			buf_add(b, "\\");
		buf_add_bytes(b, p, 1);
	}
}

void
hooks_add_variables(const struct hooks *h, struct texts *t)
{
	const char *text = getenv("GIT_CONFIG_COUNT");
	const char *path = getenv("PATH");
	char common[2 * PATH_SIZE];
	struct buf b;
	int64_t n = 0;

	/* git itself refuses a number that is none. */
	if (text != NULL)
		(void)text_parse_int(text, 0, COUNT_MAX, &n);
	buf_init(&b, common, sizeof(common));
	add_literal(&b, h->common);
	texts_addf(t, "GIT_CONFIG_COUNT=%lld", (long long)n + 3);
	texts_addf(t, "GIT_CONFIG_KEY_%lld=core.hooksPath", (long long)n);
	texts_addf(
	    t, "GIT_CONFIG_VALUE_%lld=%s/hooks", (long long)n, h->directory);
	/* Of the checkout, then of worktrees and submodules. */
	for (int i = 1; i < 3; i++) {
		texts_addf(t, "GIT_CONFIG_KEY_%lld=includeIf.gitdir:%s%s.path",
		    (long long)n + i, common, i == 1 ? "" : "/");
		texts_addf(t, "GIT_CONFIG_VALUE_%lld=%s/hooks/git.config",
		    (long long)n + i, h->directory);
	}
	texts_addf(t, "PATH=%s/bin:%s", h->directory,
	    path != NULL ? path : _PATH_DEFPATH);
	/* Which fleet it belongs to, for the commands that it gives. */
	texts_addf(t, "LOOPKEEPER_CONFIG=%s", h->config);
}

int
hooks_set_worktree_config(
    struct git *g, const struct worktree *w, const struct hooks *h)
{
	int on = worktree_has_config(g, w);
	struct git_call call = { 0 };
	char path[PATH_SIZE];

	if (on <= 0)
		return on;
	worktree_call(w, &call);
	if (path_format(path, "%s/hooks", h->directory) < 0)
		return git_fail(
		    g, errno, "%s: %s", h->directory, strerror(errno));
	return git_must(g, &call,
		   (const char *const[]){ "config", "--worktree",
		       "core.hooksPath", path, NULL }) < 0
	    ? -1
	    : 1;
}
