/*
 * What a worker did, as commits: first a snapshot of everything it left, kept
 * by a ref before anything else happens to it; then the candidate, one commit
 * on the tip of the integration branch, whose tests are those of the base. A
 * worker that changed the tests has no candidate.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_CANDIDATE_H
#define LOOPKEEPER_AGENTS_LOOP_CANDIDATE_H

#include "agents/loop/runner.h"

/* The worker's tree is empty: snapshot, judgement, candidate, verify. */
void candidate_make(struct runner *r, int64_t now_ms);
/* The snapshot alone, where the attempt ends before that. Returns 0, or -1
 * with git's error: then the work stays where it is. */
int candidate_save(struct runner *r);
/* An earlier attempt of the test was verified, but not merged, or nothing could
 * be set up for that: goes on with it, or on waiting while others have locked
 * what it changes. Returns false where that is of no use. */
bool candidate_resume(struct runner *r, int64_t now_ms);
/* Puts the candidate on another commit. Returns 1, 0 when the attempt was
 * closed because it doesn't apply there, -1 with git's error. */
int candidate_move(struct runner *r, const char *onto, int64_t now_ms);
/* Whether it changes what another loop has locked by now: how many files, with
 * the first in ret_detail; or -1 with git's error, or errno of store.h. Then
 * its test isn't claimed again before they are free. The database is open. */
int candidate_is_locked(
    struct runner *r, char ret_detail[static ATTEMPT_DETAIL_SIZE]);

#endif
