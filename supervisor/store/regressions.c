#include "store/regressions.h"
#include "base/text.h"
#include "store/attempts.h"
#include "store/note.h"
#include "store/statement.h"

int
regressions_confirm(struct store *s, const char *test_id)
{
	return statement_run(s,
	    "UPDATE regressions SET checked_at = " NOTE_NOW
	    " WHERE test_id = ?1 AND status = 'open'",
	    "t", test_id);
}

/* Inside a transaction. */
static int
add(struct store *s, const char *source, const struct regression *r)
{
	int added = statement_change(s,
	    "INSERT INTO regressions (test_id, loop_id, failing_commit,"
	    " last_good_commit, cause, transcript)"
	    " SELECT id, ?2, ?3, nullif(?4, ''), ?5, ?6 FROM tests"
	    " WHERE id = ?1 AND status = 'passed' AND NOT EXISTS"
	    " (SELECT 1 FROM regressions WHERE test_id = ?1"
	    " AND status = 'open')",
	    "tttttt", r->test_id, r->loop_id, r->commit, r->last_good,
	    r->is_outside ? "outside" : "commit", r->transcript);

	if (added <= 0)
		return added;
	if (note_event(s, source, "regression_detected", "tttttt", "test_id",
		r->test_id, "loop_id", r->loop_id, "failing_commit", r->commit,
		"last_good_commit", r->last_good, "cause",
		r->is_outside ? "outside" : "commit", "transcript",
		r->transcript) < 0)
		return -1;
	return 1;
}

int
regressions_open(
    struct store *s, const char *source, const struct regression *r)
{
	int added;

	if (note_begin(s) < 0)
		return -1;
	added = add(s, source, r);
	return store_end(s, added < 0 ? -1 : 0) < 0 ? -1 : added;
}

/* Of regressions g and its test t. */
#define GOES_ON                                   \
	"(t.status IN ('pending', 'in_progress')" \
	" OR (t.status = 'passed'"                \
	" AND ifnull(t.verified_at, '') <= g.detected_at))"

/* Of regressions g: its test says that it is over. */
#define IS_OVER                                                    \
	" g.status = 'open' AND NOT EXISTS (SELECT 1 FROM tests t" \
	" WHERE t.id = g.test_id AND " GOES_ON ")"

static int
clear_one(struct store *s, const char *source)
{
	char id[UUID_SIZE], test_id[ATTEMPT_TEST_SIZE];
	char loop_id[TEXT_NAME_MAX + 1];
	int found = statement_get(s,
	    "SELECT g.id, g.test_id, g.loop_id FROM regressions g WHERE" IS_OVER
	    " LIMIT 1",
	    ">sss", id, sizeof(id), test_id, sizeof(test_id), loop_id,
	    sizeof(loop_id));

	if (found <= 0)
		return found;
	if (statement_run(s,
		"UPDATE regressions SET status = 'cleared',"
		" closed_at = " NOTE_NOW " WHERE id = ?1",
		"t", id) < 0 ||
	    note_event(s, source, "regression_cleared", "tt", "test_id",
		test_id, "loop_id", loop_id) < 0)
		return -1;
	return 1;
}

int
regressions_settle(struct store *s, const char *source)
{
	/* Mostly there is none: then nothing is locked. */
	int found = statement_get(
	    s, "SELECT 1 FROM regressions g WHERE" IS_OVER " LIMIT 1", ">");
	int n = 0;

	if (found <= 0)
		return found;
	if (note_begin(s) < 0)
		return -1;
	while ((found = clear_one(s, source)) > 0)
		n++;
	return store_end(s, found) < 0 ? -1 : n;
}

int
regressions_ask(struct store *s, const char *loops, const char *loop_id,
    struct regression_oldest *ret)
{
	return statement_get(s,
	    "SELECT t.id, ifnull(g.failing_commit, ''), EXISTS (SELECT 1"
	    " FROM regressions o JOIN tests r ON r.id = o.test_id"
	    " WHERE o.status = 'open' AND r.loop_id = ?2"
	    " AND r.status = 'pending' AND r.waiting = 0"
	    " AND ifnull(r.automatable, 1) <> 0)"
	    " FROM regressions g JOIN tests t ON t.id = g.test_id"
	    " WHERE g.status = 'open' AND " GOES_ON
	    " AND (t.status = 'passed' OR t.waiting = 0)"
	    " AND t.loop_id IN (SELECT value FROM json_each(?1))"
	    " ORDER BY g.detected_at, t.id LIMIT 1",
	    "tt>ssb", loops, loop_id, ret->test_id, sizeof(ret->test_id),
	    ret->commit, sizeof(ret->commit), &ret->has_fix);
}

int
regressions_each(struct store *s,
    void (*found)(const struct regression *r, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT test_id, loop_id, failing_commit, last_good_commit,"
	    " transcript, cause IS 'outside' FROM regressions"
	    " WHERE status = 'open' ORDER BY detected_at, test_id",
	    "");
	struct regression r;
	int more;

	while (
	    (more = statement_row(s, q, "tttttb", &r.test_id, &r.loop_id,
		 &r.commit, &r.last_good, &r.transcript, &r.is_outside)) == 1)
		found(&r, argument);
	statement_end(q);
	return more;
}
