/* A test is taken away from whoever works on it: by `reset` and `skip`, or
 * because its loop holds up others. */
#include <errno.h>
#include <stdio.h>

#include "store/claims.h"
#include "store/decisions.h"
#include "store/note.h"
#include "store/statement.h"

/* Ends whatever attempt of the test is open, as interrupted and not counted. */
static int
end_open(struct store *s, const char *test_id, const char *by, const char *why)
{
	if (statement_run(s,
		"INSERT INTO events"
		" (id, timestamp, source, event_type, payload)"
		" SELECT " NOTE_NEW_ID ", " NOTE_NOW ", ?2, 'attempt_ended',"
		" json_object('loop_id', a.loop_id, 'test_id', a.test_id,"
		" 'attempt', ifnull(t.attempts, 0) + 1, 'outcome',"
		" 'interrupted', 'detail', ?3, 'fence', a.fence)"
		" FROM attempts a JOIN tests t ON t.id = a.test_id"
		" WHERE a.test_id = ?1 AND a.ended_at IS NULL",
		"ttt", test_id, by, why) < 0 ||
	    statement_run(s, ATTEMPT_ADD_USAGE "test_id = ?1", "t", test_id) <
		0)
		return -1;
	return statement_run(s,
	    "UPDATE attempts SET state = 'parked', outcome = 'interrupted',"
	    " ended_at = " NOTE_NOW " WHERE test_id = ?1"
	    " AND ended_at IS NULL",
	    "t", test_id);
}

/* What `reset` and `skip` do to the test's attempts and questions. */
static int
set_aside(struct store *s, const char *test_id, const char *by, const char *why)
{
	if (end_open(s, test_id, by, why) < 0 ||
	    /* What doesn't use up attempts is counted from here again. */
	    statement_run(s,
		"UPDATE attempts SET state = 'parked' WHERE test_id = ?1"
		" AND state = 'failed' AND outcome IN"
		" ('interrupted', 'budget', 'waiting_for_input')",
		"t", test_id) < 0)
		return -1;
	return decisions_withdraw_within(s, "test_id", test_id, by, why);
}

/* 1 there is such a test and `condition` holds of it, 0 it doesn't hold, -1
 * with ENOENT or errno of store.h. */
static int
holds(struct store *s, const char *test_id, const char *condition)
{
	char sql[256];
	int is_so, found;

	(void)snprintf(
	    sql, sizeof(sql), "SELECT %s FROM tests WHERE id = ?1", condition);
	found = statement_get(s, sql, "t>n", test_id, &is_so);
	if (found == 0)
		return store_refuse(s, ENOENT, "there is no test %s", test_id);
	return found < 0 ? -1 : is_so;
}

int
claims_reset_within(
    struct store *s, const char *test_id, const char *by, const char *reason)
{
	int fresh = holds(s, test_id,
	    "status = 'pending' AND ifnull(attempts, 0) = 0"
	    " AND reason IS NULL AND parked IS NULL");

	if (fresh != 0)
		return fresh < 0 ? -1 : 0;
	if (set_aside(s, test_id, by, "reset") < 0 ||
	    statement_run(s,
		"UPDATE tests SET status = 'pending', attempts = 0,"
		" reason = NULL, passed_at = NULL, verified_at = NULL,"
		" verified_commit = NULL, parked = NULL, second_worker = 0"
		" WHERE id = ?1",
		"t", test_id) < 0 ||
	    note_event(s, by, "test_reset", "ttt", "test_id", test_id, "by", by,
		"reason", reason) < 0)
		return -1;
	return 1;
}

/* Out of the queue: skipped, or blocked. */
static int
settle(struct store *s, const char *test_id, const char *status,
    const char *event, const char *by, const char *reason)
{
	char condition[64];
	int is_so;

	(void)snprintf(condition, sizeof(condition), "status = '%s'", status);
	is_so = holds(s, test_id, condition);
	if (is_so != 0)
		return is_so < 0 ? -1 : 0;
	if (set_aside(s, test_id, by, status) < 0 ||
	    statement_run(s,
		"UPDATE tests SET status = ?3, reason = ?2 WHERE id = ?1",
		"ttt", test_id, reason, status) < 0 ||
	    note_event(s, by, event, "ttt", "test_id", test_id, "by", by,
		"reason", reason) < 0)
		return -1;
	return 1;
}

int
claims_skip_within(
    struct store *s, const char *test_id, const char *by, const char *reason)
{
	return settle(s, test_id, "skipped", "test_skipped", by, reason);
}

int
claims_block_within(
    struct store *s, const char *test_id, const char *by, const char *reason)
{
	return settle(s, test_id, "blocked", "test_blocked", by, reason);
}

int
claims_reset(
    struct store *s, const char *test_id, const char *by, const char *reason)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, claims_reset_within(s, test_id, by, reason));
}

int
claims_skip(
    struct store *s, const char *test_id, const char *by, const char *reason)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, claims_skip_within(s, test_id, by, reason));
}

int
claims_interrupt_within(struct store *s, const char *loop_id, const char *by,
    const char *why, char ret_attempt[static UUID_SIZE],
    char ret_test[static ATTEMPT_TEST_SIZE])
{
	int found = statement_get(s,
	    "SELECT id, test_id FROM attempts WHERE loop_id = ?1"
	    " AND ended_at IS NULL ORDER BY started_at DESC LIMIT 1",
	    "t>ss", loop_id, ret_attempt, (size_t)UUID_SIZE, ret_test,
	    (size_t)ATTEMPT_TEST_SIZE);

	if (found <= 0)
		return found;
	if (end_open(s, ret_test, by, why) < 0 ||
	    statement_run(s,
		"UPDATE tests SET status = 'pending', reason = ?2"
		" WHERE id = ?1 AND status = 'in_progress'",
		"tt", ret_test, why) < 0)
		return -1;
	return 1;
}
