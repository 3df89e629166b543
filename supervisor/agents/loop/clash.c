#include <stdio.h>
#include <string.h>

#include "agents/loop/clash.h"
#include "base/texts.h"
#include "git/history.h"
#include "store/conflicts.h"

#define PATHS_MAX 50 /* asked for at a time */

/* The last commit since the candidate's that changed one of the files. 1, 0, or
 * -1. */
static int
find_commit(struct runner *r, const char *tip, char *const *files,
    char ret[static GIT_HASH_SIZE])
{
	const struct git_call call = { 0 };
	const char *const head[] = { "log", "-1", "--first-parent",
		"--format=%H" };
	struct texts arguments = { 0 };
	int found = -1;

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		(void)texts_add(&arguments, head[i]);
	texts_addf(&arguments, "%s..%s", r->onto, tip);
	(void)texts_add(&arguments, "--");
	for (size_t i = 0; files[i] != NULL && i < PATHS_MAX; i++)
		texts_addf(&arguments, ":(top,literal)%s", files[i]);
	if (!arguments.failed)
		found = git_line(&r->place.git, &call,
		    (const char *const *)arguments.items, ret, GIT_HASH_SIZE);
	texts_free(arguments.items);
	return found == 1 && ret[0] == '\0' ? 0 : found;
}

static void
keep_side(const struct history_commit *commit, void *argument)
{
	struct conflict_side *side = argument;

	(void)snprintf(
	    side->loop_id, sizeof(side->loop_id), "%s", commit->loop);
	(void)snprintf(
	    side->test_id, sizeof(side->test_id), "%s", commit->test);
}

static void
tell(struct runner *r, const char *tip, char *const *files)
{
	char commit[GIT_HASH_SIZE], before[GIT_HASH_SIZE + 2];
	struct git *g = &r->place.git;
	struct conflict_side other = { 0 };

	if (find_commit(r, tip, files, commit) != 1)
		return;
	/* Of somebody else's it finds nothing. */
	(void)snprintf(before, sizeof(before), "%s^1", commit);
	if (history_each(g, commit, before, "", keep_side, &other) < 0)
		return;
	if (conflicts_met(
		&r->agent.store, &r->claim.key, &other, commit, files) < 0)
		agent_failed(&r->agent, "telling of a conflict");
}

void
clash_tell(struct runner *r, const char *tip)
{
	char tree[GIT_HASH_SIZE], **files;

	if (agent_database(&r->agent) < 0)
		return;
	files = repository_merge(&r->place.git, r->candidate, tip, tree);
	if (files != NULL && files[0] != NULL)
		tell(r, tip, files);
	texts_free(files);
}
