#include "store/queries_conflicts.h"
#include "store/statement.h"

int
queries_each_conflict(struct store *s, bool all,
    int (*each)(const struct conflict_entry *row, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT c.id, CASE WHEN c.over_at IS NULL THEN c.status"
	    " ELSE 'closed' END, c.files, c.first_loop, f.priority,"
	    " c.first_test, c.first_attempt, c.second_loop, g.priority,"
	    " c.second_test, c.second_attempt, c.paused_loop, c.decision_id,"
	    " (SELECT group_concat(json_extract(o.value, '$.id'), '|')"
	    " FROM json_each(CASE WHEN json_valid(d.options) THEN d.options"
	    " ELSE '[]' END) o WHERE d.status = 'pending'),"
	    " CASE d.status WHEN 'pending' THEN d.options END,"
	    " CASE d.status WHEN 'pending' THEN d.default_option END,"
	    " CASE WHEN c.over_at IS NULL THEN c.outcome"
	    " ELSE 'both attempts ended, and nobody had settled it' END,"
	    " c.detected_at, c.ended, d.choice, d.decided_by"
	    " FROM (SELECT *, ifnull(closed_at, over_at) AS ended FROM (SELECT"
	    " c.*, " QUERIES_CONFLICT_OVER_AT " AS over_at FROM conflicts c))"
	    " c LEFT JOIN loops f ON f.id = c.first_loop"
	    " LEFT JOIN loops g ON g.id = c.second_loop"
	    " LEFT JOIN decisions d ON d.id = c.decision_id"
	    " WHERE ?1 OR c.ended IS NULL"
	    " OR julianday(c.ended) > julianday('now', '-1 day')"
	    " ORDER BY julianday(c.detected_at), c.id",
	    "i", (int64_t)all);
	struct conflict_entry r;
	int result;

	while ((result = statement_row(s, q, "ttttitttitttttttttttt", &r.id,
		    &r.status, &r.files, &r.first_loop, &r.first_priority,
		    &r.first_test, &r.first_attempt, &r.second_loop,
		    &r.second_priority, &r.second_test, &r.second_attempt,
		    &r.paused_loop, &r.decision_id, &r.choices, &r.options,
		    &r.default_option, &r.outcome, &r.detected_at, &r.closed_at,
		    &r.choice, &r.decided_by)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}
