#include "store/queries_locks.h"
#include "store/edges.h"
#include "store/expiry.h"
#include "store/locks.h"
#include "store/overlap.h"
#include "store/schema.h"
#include "store/statement.h"

int
queries_each_lock(struct store *s,
    int (*each)(const struct lock_row *row, void *argument), void *argument)
{
	char now[CLOCK_ISO_SIZE];
	struct sqlite3_stmt *q;
	struct lock_row r;
	int result;

	if (overlap_register(s) < 0)
		return -1;
	expiry_format(s, now, 0);
	q = statement_query(s,
	    "SELECT k.file_path, k.locked_by, k.test_id, k.locked_at,"
	    " k.expires_at, k.lock_reason, (SELECT json_group_array(v.waiter)"
	    " FROM (SELECT DISTINCT CAST(w.waiter AS TEXT) AS waiter"
	    " FROM wait_graph w"
	    " WHERE w.holder = k.locked_by"
	    " AND overlaps(k.file_path, w.resource)"
	    " AND " EDGE_IS_LIVE(
		"?1") " ORDER BY w.waiter) v),"
		      " EXISTS (SELECT 1 FROM file_locks l"
		      " WHERE l.file_path = k.file_path AND " LOCK_IS_LIVE(
			  "?1") "),"
				" EXISTS (SELECT 1 FROM loops o WHERE o.id = "
				"k.locked_by),"
				" EXISTS (SELECT 1 FROM attempts t WHERE "
				"t.loop_id = k.locked_by"
				" AND t.ended_at IS NULL),"
				" EXISTS (SELECT 1 FROM component_health h"
				" WHERE h.component = k.locked_by AND "
				"julianday(h.last_heartbeat)"
				" > julianday('now') - 600 / 86400.0)"
				" FROM file_locks k ORDER BY k.locked_by, "
				"k.file_path",
	    "t", now);
	while ((result = statement_row(s, q, "tttttttbbbb", &r.file_path,
		    &r.locked_by, &r.test_id, &r.locked_at, &r.expires_at,
		    &r.lock_reason, &r.waiters, &r.live, &r.is_loop, &r.works,
		    &r.beats)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_each_deadlock(struct store *s, int64_t since_ms,
    int (*each)(const struct deadlock_row *row, void *argument), void *argument)
{
	char since[CLOCK_ISO_SIZE];
	struct deadlock_row r;
	struct sqlite3_stmt *q;
	int result;

	clock_format_iso(since, clock_wall_ms() - since_ms);
	q = statement_query(s,
	    "SELECT timestamp, json_extract(payload, '$.cycle'),"
	    " json_extract(payload, '$.victim'), test_id, source FROM events"
	    " WHERE event_type = 'deadlock_resolved'"
	    " AND " SCHEMA_EVENT_TIME " >= ?1"
	    /* Other programs may tell of theirs otherwise. */
	    " AND CASE WHEN json_valid(payload)"
	    " THEN json_type(payload, '$.cycle') END = 'text'"
	    " ORDER BY " SCHEMA_EVENT_TIME " DESC",
	    "t", since);
	while ((result = statement_row(s, q, "ttttt", &r.timestamp, &r.cycle,
		    &r.victim, &r.test_id, &r.source)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_each_holder(struct store *s,
    int (*each)(const char *name, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT locked_by FROM file_locks"
	    " UNION SELECT waiter FROM wait_graph",
	    "");
	const char *name;
	int result;

	while ((result = statement_row(s, q, "t", &name)) == 1 &&
	    (result = each(name, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_work(struct store *s, const char *loop_id,
    int (*each)(const struct work_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT a.test_id, ifnull(t.attempts, 0) + 1, t.max_attempts,"
	    " a.started_at, ifnull(a.cost_usd, -1), a.snapshot_ref, 1 AS ours"
	    " FROM attempts a LEFT JOIN tests t ON t.id = a.test_id"
	    " WHERE a.loop_id = ?1 AND a.ended_at IS NULL"
	    " UNION ALL SELECT t.id, max(ifnull(t.attempts, 0), 1),"
	    " t.max_attempts, t.claimed_at, -1, NULL, 0 FROM tests t"
	    " WHERE t.loop_id = ?1"
	    " AND t.status = 'in_progress' AND NOT EXISTS (SELECT 1"
	    " FROM attempts a WHERE a.test_id = t.id AND a.ended_at IS NULL)"
	    " ORDER BY ours DESC, 4 DESC LIMIT 1",
	    "t", loop_id);
	struct work_row r;
	int result = statement_row(s, q, "tiitdtb", &r.test_id, &r.attempt,
	    &r.max_attempts, &r.started_at, &r.cost_usd, &r.snapshot_ref,
	    &r.is_ours);

	if (result == 1)
		result = each(&r, argument);
	statement_end(q);
	return result;
}
