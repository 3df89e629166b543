#include <stdio.h>

#include "store/progress.h"
#include "store/statement.h"

int
progress_of_loop(struct store *s, const char *loop_id, struct progress *ret)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, test_id, state FROM attempts"
	    " WHERE loop_id = ?1 AND ended_at IS NULL"
	    " ORDER BY started_at DESC LIMIT 1",
	    "t", loop_id);
	int found = statement_step(s, q);

	if (found == 1) {
		(void)snprintf(ret->attempt_id, sizeof(ret->attempt_id), "%s",
		    statement_text(q, 0));
		(void)snprintf(ret->test_id, sizeof(ret->test_id), "%s",
		    statement_text(q, 1));
		(void)snprintf(
		    ret->state, sizeof(ret->state), "%s", statement_text(q, 2));
	}
	statement_end(q);
	return found;
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
	int more;

	while ((more = statement_step(s, q)) == 1) {
		struct failing test = { .test_id = statement_text(q, 0),
			.loop_id = statement_text(q, 1),
			.last_result = statement_text(q, 2),
			.failures = (int)statement_int(q, 3) };

		found(&test, argument);
	}
	statement_end(q);
	return more;
}
