#include <stddef.h>

#include "base/clock.h"
#include "store/queries_fleet.h"
#include "store/statement.h"

int
queries_each_loop(struct store *s,
    int (*each)(const struct loop_row *row, void *argument), void *argument)
{
	/* One pass over the tests for all counts; the attempt is the open one
	 * of the test that is in progress. */
	struct sqlite3_stmt *q = statement_query(s,
	    "WITH counts AS (SELECT n.loop_id, "
	    "sum(n.status = 'passed') AS passed, "
	    "sum(n.status IN ('pending', 'in_progress')) AS left, "
	    "sum(n.status = 'pending' AND ifnull(n.automatable, 1) AND "
	    "(n.depends_on IS NULL OR d.status = 'passed')) AS ready, "
	    "sum(n.status IN ('blocked', 'failed')) AS blocked, "
	    "sum(n.status = 'skipped') AS skipped, "
	    "max(CASE WHEN n.status = 'in_progress' THEN n.id END) AS test_id "
	    "FROM tests n LEFT JOIN tests d ON d.id = n.depends_on "
	    "GROUP BY n.loop_id) "
	    "SELECT l.id, l.name, l.priority, l.branch, l.status, "
	    "c.passed, c.left, c.ready, c.blocked, c.skipped, t.id, "
	    "ifnull(t.attempts, 0) + 1, t.max_attempts, "
	    "a.pid, a.pid_start, a.started_at, a.transcript "
	    "FROM loops l LEFT JOIN counts c ON c.loop_id = l.id "
	    "LEFT JOIN tests t ON t.id = c.test_id "
	    "LEFT JOIN attempts a ON a.test_id = t.id "
	    "AND a.ended_at IS NULL "
	    "ORDER BY ifnull(l.priority, 1000), l.id",
	    "");
	int result;

	while ((result = statement_step(s, q)) == 1) {
		struct loop_row row = {
			.id = statement_text(q, 0),
			.name = statement_text(q, 1),
			.priority = statement_int(q, 2),
			.branch = statement_text(q, 3),
			.status = statement_text(q, 4),
			.passed = statement_int(q, 5),
			.left = statement_int(q, 6),
			.ready = statement_int(q, 7),
			.blocked = statement_int(q, 8),
			.skipped = statement_int(q, 9),
			.test_id = statement_text(q, 10),
			.attempt = statement_int(q, 11),
			.max_attempts = statement_int(q, 12),
			.worker_pid = statement_int(q, 13),
			.worker_pid_start = statement_int(q, 14),
			.attempt_started_at = statement_text(q, 15),
			.transcript = statement_text(q, 16),
		};

		result = each(&row, argument);
		if (result != 0)
			break;
	}
	statement_end(q);
	return result;
}

int
queries_each_alert(struct store *s, bool all,
    int (*each)(const struct alert_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, severity, alert_type, source, message, context, "
	    "acknowledged, acknowledged_by, acknowledged_at, created_at "
	    "FROM alerts WHERE ?1 OR ifnull(acknowledged, 0) = 0 "
	    "ORDER BY julianday(created_at) DESC, rowid DESC",
	    "i", (int64_t)all);
	int result;

	while ((result = statement_step(s, q)) == 1) {
		struct alert_row row = {
			.id = statement_text(q, 0),
			.severity = statement_text(q, 1),
			.alert_type = statement_text(q, 2),
			.source = statement_text(q, 3),
			.message = statement_text(q, 4),
			.context = statement_text(q, 5),
			.acknowledged = statement_int(q, 6) != 0,
			.acknowledged_by = statement_text(q, 7),
			.acknowledged_at = statement_text(q, 8),
			.created_at = statement_text(q, 9),
		};

		result = each(&row, argument);
		if (result != 0)
			break;
	}
	statement_end(q);
	return result;
}

int
queries_each_decision(struct store *s, bool all,
    int (*each)(const struct decision_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, decision_type, summary, options, default_option, "
	    "context, timeout_minutes, status, requested_at, requested_by, "
	    "decided_at, decided_by, choice, comment FROM decisions "
	    "WHERE ?1 OR status = 'pending' "
	    "ORDER BY julianday(requested_at), id",
	    "i", (int64_t)all);
	int result;

	while ((result = statement_step(s, q)) == 1) {
		struct decision_row row = {
			.id = statement_text(q, 0),
			.decision_type = statement_text(q, 1),
			.summary = statement_text(q, 2),
			.options = statement_text(q, 3),
			.default_option = statement_text(q, 4),
			.context = statement_text(q, 5),
			.timeout_minutes = statement_int(q, 6),
			.status = statement_text(q, 7),
			.requested_at = statement_text(q, 8),
			.requested_by = statement_text(q, 9),
			.decided_at = statement_text(q, 10),
			.decided_by = statement_text(q, 11),
			.choice = statement_text(q, 12),
			.comment = statement_text(q, 13),
		};

		result = each(&row, argument);
		if (result != 0)
			break;
	}
	statement_end(q);
	return result;
}

int
queries_acknowledge(struct store *s, const char *id, const char *by)
{
	char now[CLOCK_ISO_SIZE];

	clock_format_iso(now, clock_wall_ms());
	return statement_run(s,
	    "UPDATE alerts SET acknowledged = 1, acknowledged_by = ?2, "
	    "acknowledged_at = ?3 WHERE ifnull(acknowledged, 0) = 0 "
	    "AND (?1 IS NULL OR id = ?1)",
	    "ttt", id, by, now);
}
