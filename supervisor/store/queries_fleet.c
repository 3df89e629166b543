#include "store/queries_fleet.h"
#include "store/note.h"
#include "store/statement.h"

#define ALERTS                                                        \
	"SELECT id, severity, alert_type, source, message, context,"  \
	" acknowledged, acknowledged_by, acknowledged_at, created_at" \
	" FROM alerts"
#define ALERTS_ORDER " ORDER BY julianday(created_at) DESC, rowid DESC"

/* Of those that nobody has seen, each half by an index of its own. */
#define ALERTS_OPEN " WHERE acknowledged = 0 OR acknowledged IS NULL"

/* The last three attempts at the test, the first of them first. */
#define EVIDENCE                                                            \
	"(SELECT json_group_array(text) FROM (SELECT text FROM (SELECT "    \
	"printf('attempt %s: %s', ifnull(json_extract(e.payload, "          \
	"'$.attempt'), '?'), ifnull(json_extract(e.payload, '$.outcome'), " \
	"'?')) || ifnull(': ' || json_extract(e.payload, '$.detail'), '') " \
	"AS text, e.rowid AS n FROM events e WHERE e.test_id = test "       \
	"AND e.event_type = 'attempt_ended' AND json_valid(e.payload) "     \
	"ORDER BY e.rowid DESC LIMIT 3) ORDER BY n))"

#define DECISIONS(which)                                                   \
	"SELECT id, decision_type, summary, options, default_option, "     \
	"context, ifnull(timeout_minutes, -1), status, requested_at, "     \
	"requested_by, "                                                   \
	"decided_at, decided_by, choice, comment, applied_at, test, "      \
	"json_extract(c, '$.loop_id'), json_extract(c, '$.subject'), "     \
	"seen_boot, seen_ms, "                                             \
	"CASE WHEN status = 'pending' AND test IS NOT NULL THEN " EVIDENCE \
	" END FROM (SELECT *, json_extract(c, '$.test_id') AS test FROM "  \
	"(SELECT *, CASE WHEN json_valid(context) THEN context ELSE '{}' " \
	"END AS c FROM decisions" which ")) "                              \
	"ORDER BY julianday(requested_at), id"

/* An index alone tells it, however long specifications are. */
#define COUNT(status)                                           \
	"(SELECT count(*) FROM tests n INDEXED BY tests_status" \
	" WHERE n.loop_id = l.id AND n.status " status "), "
#define COUNT_READY                                            \
	"(SELECT count(*) FROM tests r INDEXED BY tests_ready" \
	" WHERE r.loop_id = l.id AND r.status = 'pending'"     \
	" AND r.waiting = 0 AND ifnull(r.automatable, 1) <> 0), "

#define PASSED	COUNT("= 'passed'")
#define LEFT	COUNT("IN ('pending', 'in_progress')")
#define BLOCKED COUNT("IN ('blocked', 'failed')")
#define SKIPPED COUNT("= 'skipped'")

/* The attempt is the open one of the test that is in progress. */
static const char loops[] =
    "SELECT l.id, l.name, l.priority, l.branch, l.status, " PASSED LEFT
	COUNT_READY BLOCKED SKIPPED
    "t.id, max(ifnull(t.attempts, 0) + (a.id IS NOT NULL), 1), t.max_attempts,"
    " a.pid, a.pid_start, a.started_at, a.transcript FROM loops l"
    " LEFT JOIN tests t ON t.id = (SELECT max(p.id) FROM tests p"
    " WHERE p.loop_id = l.id AND p.status = 'in_progress')"
    " LEFT JOIN attempts a ON a.test_id = t.id AND a.ended_at IS NULL"
    " ORDER BY ifnull(l.priority, 1000), l.id";

int
queries_each_loop(struct store *s,
    int (*each)(const struct loop_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s, loops, "");
	struct loop_row r;
	int result;

	while (
	    (result = statement_row(s, q, "ttittiiiiitiiiitt", &r.id, &r.name,
		 &r.priority, &r.branch, &r.status, &r.passed, &r.left,
		 &r.ready, &r.blocked, &r.skipped, &r.test_id, &r.attempt,
		 &r.max_attempts, &r.worker_pid, &r.worker_pid_start,
		 &r.attempt_started_at, &r.transcript)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_each_alert(struct store *s, bool all,
    int (*each)(const struct alert_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(
	    s, all ? ALERTS ALERTS_ORDER : ALERTS ALERTS_OPEN ALERTS_ORDER, "");
	struct alert_row r;
	int result;

	while ((result = statement_row(s, q, "ttttttbttt", &r.id, &r.severity,
		    &r.alert_type, &r.source, &r.message, &r.context,
		    &r.acknowledged, &r.acknowledged_by, &r.acknowledged_at,
		    &r.created_at)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_each_decision(struct store *s, bool all,
    int (*each)(const struct decision_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    all ? DECISIONS("") : DECISIONS(" WHERE status = 'pending'"), "");
	struct decision_row r;
	int result;

	while ((result = statement_row(s, q, "ttttttittttttttttttit", &r.id,
		    &r.decision_type, &r.summary, &r.options, &r.default_option,
		    &r.context, &r.timeout_minutes, &r.status, &r.requested_at,
		    &r.requested_by, &r.decided_at, &r.decided_by, &r.choice,
		    &r.comment, &r.applied_at, &r.test_id, &r.loop_id,
		    &r.subject, &r.seen_boot, &r.seen_ms, &r.evidence)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_acknowledge(struct store *s, const char *id, const char *by)
{
	return statement_change(s,
	    "UPDATE alerts SET acknowledged = 1, acknowledged_by = ?2, "
	    "acknowledged_at = " NOTE_NOW " WHERE ifnull(acknowledged, 0) = 0 "
	    "AND (?1 IS NULL OR id = ?1)",
	    "tt", id, by);
}
