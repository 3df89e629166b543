#include "store/queries_standing.h"
#include "store/note.h"
#include "store/queries_conflicts.h"
#include "store/statement.h"

/* Of a row: its time isn't over. Other programs' may have none. */
#define IS_LIVE(row) \
	"ifnull(julianday(" row ".expires_at) > julianday(" NOTE_NOW "), 1)"

int
queries_each_lock_count(struct store *s,
    int (*each)(const char *holder, int64_t files, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT l.locked_by, count(*) FROM file_locks l"
	    " WHERE " IS_LIVE("l") " GROUP BY l.locked_by ORDER BY 1",
	    "");
	const char *holder;
	int64_t files;
	int result;

	while ((result = statement_row(s, q, "ti", &holder, &files)) == 1 &&
	    (result = each(holder, files, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_each_waiter(struct store *s,
    int (*each)(const struct waiter_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT w.waiter, w.holder, w.resource, w.waiting_since"
	    " FROM wait_graph w WHERE " IS_LIVE(
		"w") " AND EXISTS (SELECT 1 FROM file_locks l"
		     " WHERE l.locked_by = w.holder AND " IS_LIVE(
			 "l") ")"
			      " ORDER BY julianday(w.waiting_since), w.waiter, "
			      "w.resource",
	    "");
	struct waiter_row r;
	int result;

	while ((result = statement_row(s, q, "tttt", &r.waiter, &r.holder,
		    &r.resource, &r.waiting_since)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_each_open_conflict(struct store *s,
    int (*each)(const struct conflict_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, (SELECT group_concat(value, ', ') FROM json_each("
	    "CASE WHEN json_valid(files) THEN files ELSE json_array(files)"
	    " END)), first_loop, second_loop, paused_loop, status,"
	    " decision_id, detected_at, (SELECT choice FROM decisions d"
	    " WHERE d.id = decision_id) FROM conflicts c"
	    " WHERE closed_at IS NULL AND " QUERIES_CONFLICT_OVER_AT
	    " IS NULL ORDER BY id",
	    "");
	struct conflict_row r;
	int result;

	while ((result = statement_row(s, q, "ttttttttt", &r.id, &r.files,
		    &r.first_loop, &r.second_loop, &r.paused_loop, &r.status,
		    &r.decision_id, &r.detected_at, &r.choice)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_each_parked(struct store *s,
    int (*each)(const struct parked_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT t.id, t.loop_id, t.parked, d.summary, CASE WHEN "
	    "json_valid(d.options)"
	    " THEN json_extract(d.options, '$[0].id') END"
	    " FROM tests t LEFT JOIN decisions d ON d.id = t.parked"
	    " AND d.status = 'pending' WHERE t.parked IS NOT NULL"
	    " AND +t.status IN ('pending', 'in_progress')"
	    " ORDER BY t.parked, +t.id",
	    "");
	struct parked_row r;
	int result;

	while ((result = statement_row(s, q, "ttttt", &r.test_id, &r.loop_id,
		    &r.parked, &r.summary, &r.choice)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}
