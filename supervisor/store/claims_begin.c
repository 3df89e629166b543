/* A loop's beginning and end: its row in loops, and what a dead predecessor
 * left. */
#include "store/claims.h"
#include "store/edges.h"
#include "store/note.h"
#include "store/queries_queue.h"
#include "store/recovery.h"
#include "store/statement.h"

static int
write_row(struct store *s, const char *loop_id, const char *title,
    int64_t priority, const char *branch)
{
	return statement_run(s,
	    "INSERT INTO loops (id, name, priority, branch, status,"
	    " created_at, updated_at) VALUES (?1, ifnull(nullif(?2, ''), ?1),"
	    " ?3, nullif(?4, ''), 'running', " NOTE_NOW ", " NOTE_NOW ")"
	    " ON CONFLICT (id) DO UPDATE SET"
	    " name = ifnull(nullif(?2, ''), name),"
	    " priority = excluded.priority, branch = excluded.branch,"
	    " status = 'running', current_test_id = NULL,"
	    " updated_at = excluded.updated_at",
	    "ttit", loop_id, title, priority, branch);
}

int
claims_begin(struct store *s, const char *loop_id, const char *title,
    int priority, const char *branch, const struct recovery *recovery)
{
	struct recovery_counts counts = { 0 };
	int64_t kept;
	int result;

	while ((result = recovery_run(s, recovery, loop_id, &counts)) == 1)
		continue;
	if (result < 0 || note_begin(s) < 0)
		return -1;
	result = queries_kept_priority(s, loop_id, priority, &kept);
	if (result == 0)
		result = write_row(s, loop_id, title, kept, branch);
	return store_end(s, result) < 0 ? -1 : (int)counts.attempts;
}

int
claims_finish(struct store *s, const char *loop_id)
{
	if (edges_end(s, loop_id, NULL) < 0)
		return -1;
	return statement_run(s,
	    "UPDATE loops SET status = 'stopped', updated_at = " NOTE_NOW
	    " WHERE id = ?1",
	    "t", loop_id);
}
