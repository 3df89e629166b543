#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "git/ahead.h"
#include "git/repository.h"

static const struct git_call at_top = { 0 };

static int
count_commits(struct git *g, const char *from, const char *to, int64_t *ret)
{
	char range[2 * GIT_HASH_SIZE + 4], text[32];

	(void)snprintf(range, sizeof(range), "%s..%s", from, to);
	if (git_must_line(g, &at_top,
		(const char *const[]){
		    "rev-list", "--count", range, "--", NULL },
		text, sizeof(text)) < 0)
		return -1;
	*ret = strtoll(text, NULL, 10);
	return 0;
}

/* What the branch brings, whatever else the other one has. */
static int
read_diffstat(
    struct git *g, const char *from, const char *to, struct ahead *ret)
{
	char range[2 * GIT_HASH_SIZE + 4], *output = NULL;
	struct git_call call = at_top;

	call.ret_output = &output;
	(void)snprintf(range, sizeof(range), "%s...%s", from, to);
	if (git_must(g, &call,
		(const char *const[]){ "diff", "--shortstat", "--no-ext-diff",
		    "--no-textconv", range, "--", NULL }) < 0)
		return -1;
	(void)snprintf(ret->diffstat, sizeof(ret->diffstat), "%.*s",
	    (int)strcspn(output + strspn(output, " "), "\n"),
	    output + strspn(output, " "));
	free(output);
	return 0;
}

int
ahead_look(struct git *g, const char *branch, struct ahead *ret)
{
	char ref[GIT_REF_SIZE], tip[GIT_HASH_SIZE], head[GIT_HASH_SIZE];
	int found;

	*ret = (struct ahead){ 0 };
	(void)snprintf(ref, sizeof(ref), "refs/heads/%s", branch);
	found = repository_commit(g, ref, tip);
	if (found == 1)
		found = repository_commit(g, "HEAD", head);
	if (found <= 0)
		return found;
	found = git_line(g, &at_top,
	    (const char *const[]){
		"symbolic-ref", "--short", "-q", "HEAD", NULL },
	    ret->of, sizeof(ret->of));
	if (found < 0)
		return -1;
	if (found == 0)
		(void)snprintf(ret->of, sizeof(ret->of), "HEAD");
	if (strcmp(tip, head) == 0)
		return 1;
	if (count_commits(g, head, tip, &ret->commits) < 0 ||
	    (ret->commits > 0 && read_diffstat(g, head, tip, ret) < 0))
		return -1;
	return 1;
}
