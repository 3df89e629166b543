#include "store/queries_add.h"
#include "store/note.h"
#include "store/statement.h"

int
queries_add_test(struct store *s, const struct test_row *t)
{
	/* OR REPLACE is for NULL where another program's table has a default
	 * and no NULL; a test that is there is never replaced. */
	return statement_change(s,
	    "INSERT OR REPLACE INTO tests (id, loop_id, category, status,"
	    " attempts, max_attempts, last_result, depends_on, automatable,"
	    " notes, spec_content, last_attempt_at, passed_at, verified_at,"
	    " created_at, verify, worker, files, test_files, reason,"
	    " sort_order, allow_test_changes) VALUES (?1, nullif(?2, ''), "
	    "nullif(?3, ''),"
	    " ifnull(nullif(?4, ''), 'pending'), ?5, nullif(?6, 0),"
	    " nullif(?7, ''), nullif(?8, ''), ?9, nullif(?10, ''),"
	    " nullif(?11, ''), nullif(?12, ''), nullif(?13, ''),"
	    " nullif(?14, ''), ifnull(nullif(?15, ''), " NOTE_NOW "),"
	    " nullif(?16, ''), nullif(?17, ''), nullif(?18, ''),"
	    " nullif(?19, ''), nullif(?20, ''), ?21, ?22)"
	    " ON CONFLICT DO NOTHING",
	    "ttttiittitttttttttttii", t->id, t->loop_id, t->category, t->status,
	    t->attempts, t->max_attempts, t->last_result, t->depends_on,
	    t->automatable, t->notes, t->spec_content, t->last_attempt_at,
	    t->passed_at, t->verified_at, t->created_at, t->verify, t->worker,
	    t->files, t->test_files, t->reason, t->sort_order,
	    t->allow_test_changes);
}

int
queries_add_loop(
    struct store *s, const char *id, const char *title, int64_t priority)
{
	return statement_change(s,
	    "INSERT INTO loops (id, name, priority)"
	    " VALUES (?1, nullif(?2, ''), ?3) ON CONFLICT (id) DO NOTHING",
	    "tti", id, title, priority);
}

int
queries_last_sort_order(struct store *s, const char *loop_id, int64_t *ret)
{
	return statement_get(s,
		   "SELECT ifnull(max(place), 0) FROM tests"
		   " WHERE loop_id = ?1",
		   "t>i", loop_id, ret) == 1
	    ? 0
	    : -1;
}
