#include "store/queries_regressions.h"
#include "store/regressions.h"
#include "store/statement.h"

int
queries_each_regression(struct store *s, bool all,
    int (*each)(const struct regression_row *row, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT g.id, g.test_id, g.loop_id, g.status, g.cause,"
	    " g.failing_commit, g.last_good_commit, g.first_bad_commit,"
	    " g.blamed_commits, g.blamed_loop, g.blamed_test,"
	    " g.blamed_attempt, a.fence, g.blamed_transcript,"
	    " g.blamed_author, g.blamed_subject, g.blamed_revert,"
	    " g.transcript, g.output, g.detected_at, g.checked_at,"
	    " g.closed_at, g.decision_id, d.status, d.choice,"
	    " d.default_option, d.options, g.rollback_error, t.runs, t.flakes,"
	    " " REGRESSIONS_RESULT_NOW
	    " FROM regressions g LEFT JOIN tests t ON t.id = g.test_id"
	    " LEFT JOIN attempts a ON a.id = g.blamed_attempt"
	    " LEFT JOIN decisions d ON d.id = g.decision_id"
	    " WHERE ?1 OR g.status = 'open'"
	    " ORDER BY g.detected_at DESC, g.id",
	    "i", (int64_t)all);
	struct regression_row r;
	int result;

	while (
	    (result = statement_row(s, q,
		 "ttttttttitttitttittttttttttt"
		 "iit",
		 &r.id, &r.test_id, &r.loop_id, &r.status, &r.cause,
		 &r.failing_commit, &r.last_good_commit, &r.first_bad_commit,
		 &r.blamed_commits, &r.blamed_loop, &r.blamed_test,
		 &r.blamed_attempt, &r.blamed_fence, &r.blamed_transcript,
		 &r.blamed_author, &r.blamed_subject, &r.blamed_revert,
		 &r.transcript, &r.output, &r.detected_at, &r.checked_at,
		 &r.closed_at, &r.decision_id, &r.decision_status,
		 &r.decision_choice, &r.decision_default, &r.decision_options,
		 &r.rollback_error, &r.runs, &r.flakes, &r.result)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_each_flaky(struct store *s, int64_t max,
    int (*each)(const struct flaky_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, loop_id, runs, flakes FROM tests WHERE flakes > 0"
	    " ORDER BY 1.0 * flakes / max(runs, 1) DESC, id LIMIT ?1",
	    "i", max);
	struct flaky_row r;
	int result;

	while ((result = statement_row(s, q, "ttii", &r.id, &r.loop_id, &r.runs,
		    &r.flakes)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}
