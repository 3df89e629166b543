/* What an attempt means to do, written before it is done. */
#include "store/attempts.h"
#include "store/checkpoints.h"
#include "store/note.h"
#include "store/schema.h"
#include "store/statement.h"

static int
plan(struct store *s, const struct attempt_key *key,
    const struct attempt_plan *p)
{
	int held = statement_change(s,
	    "UPDATE attempts SET base_commit = ?4, repository = ?5,"
	    " integration_branch = ?6, snapshot_ref = nullif(?7, ''),"
	    " provider = nullif(?8, ''), second_worker = ?9"
	    " WHERE " ATTEMPT_IS_HELD,
	    "ttittttti", key->id, key->epoch, key->fence, p->base_commit,
	    p->repository, p->integration_branch, p->snapshot_ref, p->provider,
	    (int64_t)p->second_worker);

	if (held <= 0)
		return held;
	return statement_run(s,
		   "INSERT INTO checkpoints"
		   " (id, loop_id, test_id, git_ref, checkpoint_type,"
		   " created_at) VALUES (" CHECKPOINT_NEW_ID ", ?1, ?2,"
		   " ?3, 'attempt', " NOTE_NOW ")",
		   "ttt", key->loop_id, key->test_id, p->base_commit) < 0
	    ? -1
	    : 1;
}

int
attempts_plan(struct store *s, const struct attempt_key *key,
    const struct attempt_plan *p)
{
	int begun = store_begin(s);

	if (begun != 0)
		return begun < 0 ? -1 : 0;
	return store_end(s, plan(s, key, p));
}

int
attempts_spawn(struct store *s, const struct attempt_key *key,
    const char *transcript, const char *command)
{
	int begun = store_begin(s);

	if (begun != 0)
		return begun < 0 ? -1 : 0;
	return store_end(s,
	    statement_change(s,
		"UPDATE attempts SET state = 'spawning', transcript = ?4,"
		" command = ?5 WHERE " ATTEMPT_IS_HELD,
		"ttitt", key->id, key->epoch, key->fence, transcript, command));
}

int
attempts_integrate(
    struct store *s, const struct attempt_key *key, const char *commit)
{
	int begun = store_begin(s);

	if (begun != 0)
		return begun < 0 ? -1 : 0;
	return store_end(s,
	    statement_change(s,
		"UPDATE attempts SET state = 'integrating',"
		" result_commit = ?4 WHERE " ATTEMPT_IS_HELD,
		"ttit", key->id, key->epoch, key->fence, commit));
}

static int
stop(struct store *s, const char *id, const char *by, const char *reason)
{
	char test_id[ATTEMPT_TEST_SIZE], loop_id[TEXT_NAME_MAX + 1];
	int stopped = statement_get(s,
	    "UPDATE attempts SET stop_reason = ?2 WHERE id = ?1"
	    " AND ended_at IS NULL AND state = 'running'"
	    " AND stop_reason IS NULL RETURNING test_id, loop_id",
	    "tt>ss", id, reason, test_id, sizeof(test_id), loop_id,
	    sizeof(loop_id));

	if (stopped <= 0)
		return stopped;
	return note_event(s, by, "attempt_stopped", "ttt", "loop_id", loop_id,
		   "test_id", test_id, "reason", reason) < 0
	    ? -1
	    : 1;
}

int
attempts_stop(
    struct store *s, const char *attempt_id, const char *by, const char *reason)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, stop(s, attempt_id, by, reason));
}

int
attempts_stopped(struct store *s, const char *by, const char *since)
{
	int n;

	return statement_get(s,
		   "SELECT count(*) FROM events"
		   " WHERE event_type = 'attempt_stopped' AND source = ?1"
		   " AND " SCHEMA_EVENT_TIME " > ?2",
		   "tt>n", by, since, &n) < 0
	    ? -1
	    : n;
}

int
attempts_stop_reason(
    struct store *s, const struct attempt_key *key, char *ret, size_t size)
{
	return statement_get(s,
	    "SELECT stop_reason FROM attempts WHERE " ATTEMPT_IS_OPEN
	    " AND stop_reason IS NOT NULL",
	    "tti>s", key->id, key->epoch, key->fence, ret, size);
}
