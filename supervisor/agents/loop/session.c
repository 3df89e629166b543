#include <stdio.h>
#include <string.h>

#include "agents/common/transcript.h"
#include "agents/loop/session.h"
#include "agents/loop/task.h"
#include "git/snapshot.h"
#include "store/conflicts.h"

static bool
is_one_of(const char *word, const char *const *list)
{
	while (*list != NULL && strcmp(*list, word) != 0)
		list++;
	return *list != NULL;
}

/*
 * A session that was broken off from outside is paid for, and worth going on
 * with. One that came to its end with a wrong result begins anew, as a fresh
 * look is worth more than its memory; unless the operator has had the loop
 * pause after the test, which is to say that it shall go on from there:
 *   failed    it lacks nothing but to know why, and is told;
 *   timeout   it was at work, and our clock broke it off.
 * All others don't go on even then: what crashed may have been damaged, what
 * fell silent or asks for somebody would do so again, and what changed the
 * tests is at fault in itself.
 */
static bool
is_worth_it(const struct claim_session *session)
{
	static const char *const broken_off[] = { "interrupted", "rate_limited",
		"auth", "budget", NULL };
	static const char *const paused[] = { "failed", "timeout", NULL };

	return is_one_of(session->outcome, broken_off) ||
	    (session->draining && is_one_of(session->outcome, paused));
}

/* It belongs to a folder, a provider and one of the two workers. */
static bool
can_go_on(const struct runner *r)
{
	const struct worker_preset *preset = task_preset(r);
	const struct claim_session *session = &r->claim.session;

	return preset != NULL && preset->resume[0] != NULL &&
	    session->id[0] != '\0' && session->second == r->is_second &&
	    strcmp(session->loop_id, r->agent.name) == 0 &&
	    strcmp(session->provider, preset->provider) == 0 &&
	    is_worth_it(session);
}

/* It won't be as it was, and why. */
static void
note_lost(const struct runner *r, const char *why, const char *detail)
{
	if (r->goes_on)
		transcript_note(r->transcript_fd,
		    "session %s isn't continued: %s%s", r->claim.session.id,
		    why, detail);
	else
		transcript_note(r->transcript_fd,
		    "what an earlier attempt had done isn't taken up: %s%s",
		    why, detail);
}

/* Its changes are in the worktree again. 1; 0 and nothing is changed where they
 * can't be; -1. */
static int
put_back(struct runner *r)
{
	const struct claim_session *session = &r->claim.session;
	const struct worktree *w = &r->place.trees[TREE_WORK];
	struct git *g = &r->place.git;
	char work[GIT_HASH_SIZE], base[GIT_HASH_SIZE], conflicts[128];
	int found;

	/* The row names the ref before there is a snapshot. */
	found = session->snapshot_ref[0] != '\0'
	    ? repository_commit(g, session->snapshot_ref, work)
	    : 0;
	if (found == 1)
		found = repository_commit(g, session->base_commit, base);
	if (found <= 0) {
		if (found == 0)
			note_lost(r, "what it had done is lost", "");
		return found;
	}
	if (session->take_up == TAKE_UP_OVERRIDE)
		return snapshot_put_over(g, w, work, base, r->base) < 0 ? -1
									: 1;
	found = snapshot_put_back(
	    g, w, work, base, r->base, conflicts, sizeof(conflicts));
	if (found == 0)
		note_lost(r,
		    "what it had done conflicts with what was merged "
		    "meanwhile: ",
		    conflicts);
	return found;
}

int
session_take_up(struct runner *r)
{
	int is_back;

	r->takes_up = false;
	r->goes_on = can_go_on(r);
	if (!r->goes_on && r->claim.session.take_up == TAKE_UP_NOTHING)
		return 0;
	is_back = put_back(r);
	if (is_back < 0) {
		note_lost(r, r->place.git.error, "");
		r->goes_on = false;
		return workplace_reset(&r->place, TREE_WORK, r->base);
	}
	r->goes_on = r->goes_on && is_back > 0;
	r->takes_up = is_back > 0;
	if (r->goes_on)
		transcript_note(r->transcript_fd,
		    "goes on with session %s and what it had done, %s",
		    r->claim.session.id, r->claim.session.snapshot_ref);
	else if (r->takes_up)
		transcript_note(r->transcript_fd,
		    "goes on with what an earlier attempt had done, %s",
		    r->claim.session.snapshot_ref);
	return 0;
}
