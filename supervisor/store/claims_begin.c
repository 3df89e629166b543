/* A loop's beginning and end: its row in loops, and what a dead predecessor
 * left. */
#include "base/clock.h"
#include "store/claims.h"
#include "store/note.h"
#include "store/statement.h"

static int
set_row(struct store *s, const char *loop_id, const char *title, int priority,
    const char *branch, const char *now)
{
	return statement_run(s,
	    "INSERT INTO loops (id, name, priority, branch, status,"
	    " created_at, updated_at)"
	    " VALUES (?1, ?2, ?3, nullif(?4, ''), 'running', ?5, ?5)"
	    " ON CONFLICT (id) DO UPDATE SET"
	    " name = ifnull(nullif(?6, ''), name),"
	    " priority = excluded.priority, branch = excluded.branch,"
	    " status = 'running', current_test_id = NULL,"
	    " updated_at = excluded.updated_at",
	    "ttittt", loop_id, title[0] != '\0' ? title : loop_id,
	    (int64_t)priority, branch, now, title);
}

/* Tells of each attempt that is about to be ended. Returns 0 or -1. */
static int
note_interrupted(struct store *s, const char *loop_id)
{
	return statement_run(s,
	    "INSERT INTO events"
	    " (id, timestamp, source, event_type, payload)"
	    " SELECT " NOTE_NEW_ID ","
	    " strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?1, 'attempt_ended',"
	    " json_object('loop_id', ?1, 'test_id', a.test_id, 'attempt',"
	    " ifnull(t.attempts, 0) + 1, 'outcome', 'interrupted', 'detail',"
	    " 'its loop died', 'fence', a.fence)"
	    " FROM attempts a LEFT JOIN tests t ON t.id = a.test_id"
	    " WHERE a.loop_id = ?1 AND a.ended_at IS NULL",
	    "t", loop_id);
}

/* Returns the number of attempts ended, or -1. */
static int
repair(struct store *s, const char *loop_id, const char *now)
{
	int ended;

	if (note_interrupted(s, loop_id) < 0)
		return -1;
	ended = statement_run(s,
	    "UPDATE attempts SET state = 'parked', outcome = 'interrupted',"
	    " ended_at = ?2 WHERE loop_id = ?1 AND ended_at IS NULL",
	    "tt", loop_id, now);
	if (ended < 0 ||
	    statement_run(s,
		"UPDATE tests SET status = 'pending'"
		" WHERE loop_id = ?1 AND status = 'in_progress'",
		"t", loop_id) < 0 ||
	    statement_run(s, "DELETE FROM file_locks WHERE locked_by = ?1", "t",
		loop_id) < 0 ||
	    statement_run(s,
		"DELETE FROM wait_graph WHERE waiter = ?1 OR holder = ?1", "t",
		loop_id) < 0)
		return -1;
	return ended;
}

int
claims_begin(struct store *s, const char *loop_id, const char *title,
    int priority, const char *branch)
{
	char now[CLOCK_ISO_SIZE];
	int ended;

	if (note_begin(s) < 0)
		return -1;
	note_time(now, 0);
	ended = set_row(s, loop_id, title, priority, branch, now);
	if (ended >= 0)
		ended = repair(s, loop_id, now);
	if (ended < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s) < 0 ? -1 : ended;
}

int
claims_open_attempts(struct store *s, const char *loop_id,
    void (*found)(const char *attempt_id, pid_t pid, uint64_t pid_start,
	const char *boot_id, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, pid, pid_start, boot_id FROM attempts"
	    " WHERE loop_id = ?1 AND ended_at IS NULL AND pid > 0"
	    " ORDER BY started_at",
	    "t", loop_id);
	int more;

	while ((more = statement_step(s, q)) == 1)
		found(statement_text(q, 0), (pid_t)statement_int(q, 1),
		    (uint64_t)statement_int(q, 2), statement_text(q, 3),
		    argument);
	statement_end(q);
	return more;
}

int
claims_finish(struct store *s, const char *loop_id)
{
	char now[CLOCK_ISO_SIZE];

	note_time(now, 0);
	return statement_run(s,
		   "UPDATE loops SET status = 'stopped', updated_at = ?2"
		   " WHERE id = ?1",
		   "tt", loop_id, now) < 0
	    ? -1
	    : 0;
}
