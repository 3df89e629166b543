#include <stdlib.h>

#include "store/progress.h"
#include "store/schema.h"
#include "store/statement.h"

int
progress_of_loop(struct store *s, const char *loop_id, struct progress *ret)
{
	return statement_get(s,
	    "SELECT id, test_id, state, base_commit, transcript"
	    " FROM attempts"
	    " WHERE loop_id = ?1 AND ended_at IS NULL"
	    " ORDER BY started_at DESC LIMIT 1",
	    "t>sssss", loop_id, ret->attempt_id, sizeof(ret->attempt_id),
	    ret->test_id, sizeof(ret->test_id), ret->state, sizeof(ret->state),
	    ret->base_commit, sizeof(ret->base_commit), ret->transcript,
	    sizeof(ret->transcript));
}

int
progress_failing(struct store *s, int failures,
    void (*found)(const struct failing *test, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, loop_id, last_result, " ATTEMPT_FAILURES " FROM tests t"
	    " WHERE status IN ('pending', 'in_progress', 'failed', 'blocked')"
	    " AND attempts >= ?1 AND " ATTEMPT_FAILURES " >= ?1 ORDER BY id",
	    "i", (int64_t)failures);
	struct failing t;
	int more;

	while ((more = statement_row(s, q, "tttn", &t.test_id, &t.loop_id,
		    &t.last_result, &t.failures)) == 1)
		found(&t, argument);
	statement_end(q);
	return more;
}

int
progress_last_event(
    struct store *s, const char *loop_id, char *ret, size_t size)
{
	return statement_get(s,
	    "SELECT id FROM events WHERE loop_id = ?1 AND source = ?1"
	    " ORDER BY " SCHEMA_EVENT_TIME " DESC LIMIT 1",
	    "t>s", loop_id, ret, size);
}

int
progress_scope(struct store *s, const char *test_id, struct progress_scope *ret)
{
	return statement_get(s,
	    "SELECT files, test_files, ifnull(allow_test_changes, 0)"
	    " FROM tests WHERE id = ?1",
	    "t>mmb", test_id, &ret->files, &ret->test_files,
	    &ret->allow_test_changes);
}

void
progress_scope_free(struct progress_scope *scope)
{
	free(scope->files);
	free(scope->test_files);
	*scope = (struct progress_scope){ 0 };
}

int
progress_foreign(struct store *s,
    void (*found)(const struct foreign_loop *loop, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, current_test_id, updated_at, pid FROM loops"
	    " WHERE status = 'running' AND ifnull(current_test_id, '') <> ''"
	    " AND NOT EXISTS (SELECT 1 FROM attempts a"
	    " WHERE a.loop_id = loops.id AND a.ended_at IS NULL) ORDER BY id",
	    "");
	struct foreign_loop l;
	int more;

	while ((more = statement_row(s, q, "ttti", &l.loop_id, &l.test_id,
		    &l.updated_at, &l.pid)) == 1)
		found(&l, argument);
	statement_end(q);
	return more;
}
