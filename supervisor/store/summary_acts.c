#include "store/summary_acts.h"
#include "base/clock.h"
#include "store/regressions.h"
#include "store/schema.h"
#include "store/statement.h"

#define SECONDS_LEN 19 /* "2026-01-07T02:14:00" */

/* Whole seconds: all that some writers tell. */
static void
format_since(char buf[static CLOCK_ISO_SIZE], int64_t since_ms)
{
	clock_format_iso(buf, since_ms);
	buf[SECONDS_LEN] = '\0';
}

#define DECIDED_FIELD(name)                    \
	"CASE WHEN json_valid(d.context) THEN" \
	" json_extract(d.context, '$." name "') END"
#define TEST_ID DECIDED_FIELD("test_id")
#define LOOP_ID DECIDED_FIELD("loop_id")

/* One whose time was over and that has no default; what is closed because it
 * doesn't matter any more was decided by nobody. */
#define RAN_OUT                      \
	"(ifnull(d.choice, '') = ''" \
	" AND ifnull(d.comment, '') = '' AND ifnull(" BY_COMPONENT ", 1))"
#define BY_COMPONENT "d.decided_by IN (SELECT component FROM component_health)"

/* With ?1 since when. */
static const char decided[] =
    "SELECT d.id, d.decision_type, d.summary, d.status, d.choice,"
    " (SELECT json_extract(o.value, '$.description') FROM json_each("
    "CASE WHEN json_valid(d.options) THEN d.options ELSE '[]' END) o"
    " WHERE o.type = 'object'"
    " AND json_extract(o.value, '$.id') = d.choice LIMIT 1),"
    " d.decided_by, d.decided_at, " TEST_ID ", " LOOP_ID
    ", g.first_bad_commit, ifnull(g.blamed_loop, g.loop_id) FROM decisions d"
    " LEFT JOIN regressions g ON d.decision_type = 'regression'"
    " AND d.choice = 'A' AND g.rollback_error IS NULL"
    " AND g.id = " DECIDED_FIELD(
	"subject") " WHERE d.status IN ('auto_resolved', 'expired', 'decided')"
		   " AND replace(d.decided_at, ' ', 'T') >= ?1"
		   " AND (d.status <> 'decided' OR " BY_COMPONENT ")"
		   " AND (d.choice <> '' OR " RAN_OUT ")"
		   " ORDER BY replace(d.decided_at, ' ', 'T') DESC, d.id DESC";

int
summary_each_decided(struct store *s, int64_t since_ms,
    int (*each)(const struct decided_row *row, void *argument), void *argument)
{
	char since[CLOCK_ISO_SIZE];
	struct sqlite3_stmt *q;
	struct decided_row r;
	int result;

	format_since(since, since_ms);
	q = statement_query(s, decided, "t", since);
	while ((result = statement_row(s, q, "tttttttttttt", &r.id,
		    &r.decision_type, &r.summary, &r.status, &r.choice,
		    &r.description, &r.decided_by, &r.decided_at, &r.test_id,
		    &r.loop_id, &r.rolled_back, &r.rolled_back_loop)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
summary_each_event(struct store *s, int64_t since_ms, const char *type,
    bool by_components,
    int (*each)(const struct event_row *row, void *argument), void *argument)
{
	char since[CLOCK_ISO_SIZE];
	struct sqlite3_stmt *q;
	struct event_row r = { .id = "", .correlation_id = "" };
	int result;

	format_since(since, since_ms);
	q = statement_query(s,
	    "SELECT rowid, timestamp, source, event_type, payload FROM events"
	    " WHERE event_type = ?1 AND " SCHEMA_EVENT_TIME " >= ?2"
	    " AND (NOT ?3 OR ifnull(CASE WHEN json_valid(payload) THEN"
	    " json_extract(payload, '$.by') END, source) IN"
	    " (SELECT component FROM component_health))"
	    " ORDER BY " SCHEMA_EVENT_TIME " DESC, rowid DESC",
	    "tti", type, since, (int64_t)by_components);
	r.acknowledged_by = r.acknowledged_at = "";
	while ((result = statement_row(s, q, "itttt", &r.rowid, &r.timestamp,
		    &r.source, &r.event_type, &r.payload)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
summary_each_regression(struct store *s, int64_t since_ms,
    int (*each)(const struct broken_row *row, void *argument), void *argument)
{
	char since[CLOCK_ISO_SIZE];
	struct sqlite3_stmt *q;
	struct broken_row r;
	int result;

	format_since(since, since_ms);
	q = statement_query(s,
	    "SELECT test_id, loop_id, status,"
	    " ifnull(first_bad_commit, failing_commit),"
	    " first_bad_commit IS NOT NULL, blamed_loop, blamed_test,"
	    " decision_id, detected_at, closed_at, " REGRESSIONS_RESULT_NOW
	    " FROM regressions g"
	    " WHERE status = 'open' OR replace(detected_at, ' ', 'T') >= ?1"
	    " OR replace(closed_at, ' ', 'T') >= ?1"
	    " ORDER BY status <> 'open', detected_at DESC, test_id",
	    "t", since);
	while ((result = statement_row(s, q, "ttttbtttttt", &r.test_id,
		    &r.loop_id, &r.status, &r.commit, &r.is_found,
		    &r.blamed_loop, &r.blamed_test, &r.decision_id,
		    &r.detected_at, &r.closed_at, &r.result)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
summary_each_settled(struct store *s, int64_t since_ms,
    int (*each)(const struct settled_row *row, void *argument), void *argument)
{
	char since[CLOCK_ISO_SIZE];
	struct sqlite3_stmt *q;
	struct settled_row r;
	int result;

	format_since(since, since_ms);
	q = statement_query(s,
	    "SELECT id, ifnull(first_loop, 'somebody else'), second_loop,"
	    " outcome, closed_at, (SELECT a.id FROM tests a, tests b"
	    " WHERE a.id = first_test AND a.status = 'passed'"
	    " AND b.id = second_test AND b.status <> 'passed')"
	    " FROM conflicts WHERE replace(closed_at, ' ', 'T') >= ?1"
	    " AND decision_id IS NULL ORDER BY closed_at DESC, id DESC",
	    "t", since);
	while ((result = statement_row(s, q, "tttttt", &r.id, &r.first_loop,
		    &r.second_loop, &r.outcome, &r.closed_at, &r.ahead)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

/* The tests that pending decisions are about. */
#define ASKED                                                         \
	"SELECT ifnull(CASE WHEN json_valid(context) THEN"            \
	" json_extract(context, '$.test_id') END, '') FROM decisions" \
	" WHERE status = 'pending'"

int
summary_each_blocked(struct store *s, int64_t limit,
    int (*each)(const struct blocked_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, loop_id, ifnull(reason, last_result) FROM tests"
	    " WHERE status IN ('blocked', 'failed') AND id NOT IN (" ASKED
	    ") LIMIT ?1",
	    "i", limit);
	struct blocked_row r;
	int result;

	while ((result = statement_row(
		    s, q, "ttt", &r.id, &r.loop_id, &r.reason)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
summary_count_asked(struct store *s, int64_t *ret)
{
	/* Few are: each is looked up, however many are blocked. */
	return statement_get(s,
		   "SELECT count(*) FROM tests WHERE id IN (" ASKED
		   ") AND +status IN ('blocked', 'failed')",
		   ">i", ret) < 0
	    ? -1
	    : 0;
}
