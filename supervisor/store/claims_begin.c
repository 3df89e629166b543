/* A loop's beginning and end: its row in loops, and what a dead predecessor
 * left. */
#include "base/clock.h"
#include "store/claims.h"
#include "store/note.h"
#include "store/recovery.h"
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

/* Whoever worked as this loop is dead: the caller is its only process. */
static bool
nobody_is_alive(const char *loop_id, void *argument)
{
	(void)loop_id;
	(void)argument;
	return false;
}

int
claims_begin(struct store *s, const char *loop_id, const char *title,
    int priority, const char *branch)
{
	struct recovery recovery = { .is_alive = nobody_is_alive,
		.by = loop_id };
	struct recovery_counts counts = { 0 };
	char now[CLOCK_ISO_SIZE];
	int result;

	while (
	    (result = recovery_run_loop(s, &recovery, loop_id, &counts)) == 1)
		continue;
	if (result < 0 || note_begin(s) < 0)
		return -1;
	note_time(now, 0);
	if (set_row(s, loop_id, title, priority, branch, now) < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s) < 0 ? -1 : (int)counts.attempts;
}

int
claims_open_attempts(struct store *s, const char *loop_id,
    void (*found)(const char *attempt_id, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id FROM attempts WHERE loop_id = ?1 AND ended_at IS NULL",
	    "t", loop_id);
	int more;

	while ((more = statement_step(s, q)) == 1)
		found(statement_text(q, 0), argument);
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
