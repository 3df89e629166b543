#include "store/progress.h"
#include "store/statement.h"

int
progress_of_loop(struct store *s, const char *loop_id, struct progress *ret)
{
	return statement_get(s,
	    "SELECT id, test_id, state, base_commit FROM attempts"
	    " WHERE loop_id = ?1 AND ended_at IS NULL"
	    " ORDER BY started_at DESC LIMIT 1",
	    "t>ssss", loop_id, ret->attempt_id, sizeof(ret->attempt_id),
	    ret->test_id, sizeof(ret->test_id), ret->state, sizeof(ret->state),
	    ret->base_commit, sizeof(ret->base_commit));
}

int
progress_failing(struct store *s, int failures,
    void (*found)(const struct failing *test, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, loop_id, last_result, attempts FROM tests"
	    " WHERE status IN ('pending', 'in_progress', 'failed', 'blocked')"
	    " AND attempts >= ?1 ORDER BY id",
	    "i", (int64_t)failures);
	struct failing t;
	int more;

	while ((more = statement_row(s, q, "tttn", &t.test_id, &t.loop_id,
		    &t.last_result, &t.failures)) == 1)
		found(&t, argument);
	statement_end(q);
	return more;
}
