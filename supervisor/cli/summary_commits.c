/* Commits that wait to be merged: what the integration branches have that the
 * operator's own branches haven't. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/paste.h"
#include "cli/print.h"
#include "cli/summary.h"
#include "git/ahead.h"

#define LIMIT_MS 2000 /* for all repositories together */

static bool
go_on(void *argument)
{
	const int64_t *until_ms = argument;

	return clock_ms() < *until_ms;
}

static void
format_git(char buf[static SUMMARY_COMMAND], const char *repository,
    const char *verb, const char *word)
{
	struct buf b;

	buf_init(&b, buf, SUMMARY_COMMAND);
	buf_add(&b, "git -C ");
	buf_add_word(&b, repository);
	buf_addf(&b, " %s ", verb);
	buf_add_word(&b, word);
}

static void
add_waiting(
    struct report *r, const struct loop_config *loop, const struct ahead *ahead)
{
	char review[SUMMARY_COMMAND], merge[SUMMARY_COMMAND];
	char range[GIT_REF_SIZE + 8];
	json_t *item;

	(void)snprintf(
	    range, sizeof(range), "HEAD..%s", loop->integration_branch);
	format_git(review, loop->repository, "log -p", range);
	format_git(merge, loop->repository, "merge", loop->integration_branch);
	item = paste_item(review, "%lld commit%s on %s, not on %s: %s",
	    (long long)ahead->commits, ahead->commits == 1 ? "" : "s",
	    loop->integration_branch, ahead->of,
	    ahead->diffstat[0] != '\0' ? ahead->diffstat : "no difference");
	paste_set(item, "merge", merge);
	paste_set(item, "repository", loop->repository);
	paste_set(item, "branch", loop->integration_branch);
	paste_set(item, "of", ahead->of);
	(void)json_object_set_new(
	    item, "commits", json_integer(ahead->commits));
	(void)json_array_append_new(r->commits, item);
}

static void
look(struct report *r, const struct loop_config *loop, int64_t *until_ms)
{
	struct git g = { .tick = go_on, .argument = until_ms };
	struct ahead ahead = { 0 };
	int found = git_open(&g, loop->repository);

	if (found == 0)
		found = ahead_look(&g, loop->integration_branch, &ahead);
	else if (errno == EINVAL) /* no repository: nothing was merged in it */
		found = 0;
	if (found > 0 && ahead.commits > 0)
		add_waiting(r, loop, &ahead);
	else if (found < 0)
		(void)json_array_append_new(r->commits,
		    paste_item(NULL, "%s: git doesn't tell: %s",
			loop->repository,
			errno == ECANCELED ? "it takes too long" : g.error));
}

static bool
is_same(const struct loop_config *a, const struct loop_config *b)
{
	return strcmp(a->repository, b->repository) == 0 &&
	    strcmp(a->integration_branch, b->integration_branch) == 0;
}

void
report_read_commits(struct report *r)
{
	const struct conf *conf = r->o.conf;
	int64_t until_ms = clock_ms() + LIMIT_MS;

	for (size_t i = 0; conf != NULL && i < conf->nloops; i++) {
		size_t before = 0;

		while (before < i &&
		    !is_same(&conf->loops[before], &conf->loops[i]))
			before++;
		if (before == i)
			look(r, &conf->loops[i], &until_ms);
	}
}
