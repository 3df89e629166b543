/* `reset` and `skip`: a test is taken away from whoever works on it. */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "store/claims.h"
#include "store/note.h"
#include "store/statement.h"

/* What both do to the test's attempts and questions. */
static int
set_aside(struct store *s, const char *test_id, const char *by, const char *why)
{
	char now[CLOCK_ISO_SIZE];

	note_time(now, 0);
	if (statement_run(s,
		"INSERT INTO events"
		" (id, timestamp, source, event_type, payload)"
		" SELECT " NOTE_NEW_ID ", ?2, ?3, 'attempt_ended',"
		" json_object('loop_id', a.loop_id, 'test_id', a.test_id,"
		" 'attempt', ifnull(t.attempts, 0) + 1, 'outcome',"
		" 'interrupted', 'detail', ?4, 'fence', a.fence)"
		" FROM attempts a JOIN tests t ON t.id = a.test_id"
		" WHERE a.test_id = ?1 AND a.ended_at IS NULL",
		"tttt", test_id, now, by, why) < 0 ||
	    statement_run(s,
		"UPDATE attempts SET state = 'parked',"
		" outcome = 'interrupted', ended_at = ?2"
		" WHERE test_id = ?1 AND ended_at IS NULL",
		"tt", test_id, now) < 0)
		return -1;
	/* Interruptions are counted from here again. */
	return statement_run(s,
		   "UPDATE attempts SET state = 'parked' WHERE test_id = ?1"
		   " AND state = 'failed' AND outcome = 'interrupted'",
		   "t", test_id) < 0 ||
		statement_run(s,
		    "UPDATE decisions SET status = 'expired', decided_at = ?2,"
		    " decided_by = ?3, comment = ?4 WHERE status = 'pending'"
		    " AND json_valid(context)"
		    " AND json_extract(context, '$.test_id') = ?1",
		    "tttt", test_id, now, by, why) < 0
	    ? -1
	    : 0;
}

/* 1 there is such a test and `condition` holds of it, 0 it doesn't hold, -1
 * with ENOENT or errno of store.h. */
static int
holds(struct store *s, const char *test_id, const char *condition)
{
	int64_t is_so;
	char sql[256];
	int found;

	(void)snprintf(
	    sql, sizeof(sql), "SELECT %s FROM tests WHERE id = ?1", condition);
	found = statement_int_of(s, &is_so, sql, "t", test_id);
	if (found == 0) {
		(void)snprintf(
		    s->error, sizeof(s->error), "there is no test %s", test_id);
		errno = ENOENT;
		return -1;
	}
	return found < 0 ? -1 : is_so != 0;
}

int
claims_reset_within(
    struct store *s, const char *test_id, const char *by, const char *reason)
{
	int fresh = holds(s, test_id,
	    "status = 'pending' AND ifnull(attempts, 0) = 0"
	    " AND reason IS NULL");

	if (fresh != 0)
		return fresh < 0 ? -1 : 0;
	if (set_aside(s, test_id, by, "reset") < 0 ||
	    statement_run(s,
		"UPDATE tests SET status = 'pending', attempts = 0,"
		" reason = NULL, passed_at = NULL, verified_at = NULL"
		" WHERE id = ?1",
		"t", test_id) < 0 ||
	    note_event(s, by, "test_reset", "ttt", "test_id", test_id, "by", by,
		"reason", reason) < 0)
		return -1;
	return 1;
}

int
claims_skip_within(
    struct store *s, const char *test_id, const char *by, const char *reason)
{
	int skipped = holds(s, test_id, "status = 'skipped'");

	if (skipped != 0)
		return skipped < 0 ? -1 : 0;
	if (set_aside(s, test_id, by, "skipped") < 0 ||
	    statement_run(s,
		"UPDATE tests SET status = 'skipped', reason = ?2"
		" WHERE id = ?1",
		"tt", test_id, reason) < 0 ||
	    note_event(s, by, "test_skipped", "ttt", "test_id", test_id, "by",
		by, "reason", reason) < 0)
		return -1;
	return 1;
}

static int
steer(struct store *s,
    int (*act)(struct store *, const char *, const char *, const char *),
    const char *test_id, const char *by, const char *reason)
{
	int changed;

	if (note_begin(s) < 0)
		return -1;
	changed = act(s, test_id, by, reason);
	if (changed < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s) < 0 ? -1 : changed;
}

int
claims_reset(
    struct store *s, const char *test_id, const char *by, const char *reason)
{
	return steer(s, claims_reset_within, test_id, by, reason);
}

int
claims_skip(
    struct store *s, const char *test_id, const char *by, const char *reason)
{
	return steer(s, claims_skip_within, test_id, by, reason);
}
