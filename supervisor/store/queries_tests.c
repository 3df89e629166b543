#include <stddef.h>

#include "store/queries_tests.h"
#include "store/statement.h"

#define TEST_COLUMNS                                                   \
	"SELECT t.id, t.loop_id, t.category, t.status, t.attempts, "   \
	"t.max_attempts, t.last_result, t.depends_on, t.automatable, " \
	"t.notes, t.spec_content, t.last_attempt_at, t.passed_at, "    \
	"t.verified_at, t.created_at, t.verify, t.worker, t.files, "   \
	"t.test_files, t.reason, t.sort_order FROM tests t "

static struct test_row
read_test(struct sqlite3_stmt *q)
{
	return (struct test_row){
		.id = statement_text(q, 0),
		.loop_id = statement_text(q, 1),
		.category = statement_text(q, 2),
		.status = statement_text(q, 3),
		.attempts = statement_int(q, 4),
		.max_attempts = statement_int(q, 5),
		.last_result = statement_text(q, 6),
		.depends_on = statement_text(q, 7),
		.automatable = statement_int(q, 8),
		.notes = statement_text(q, 9),
		.spec_content = statement_text(q, 10),
		.last_attempt_at = statement_text(q, 11),
		.passed_at = statement_text(q, 12),
		.verified_at = statement_text(q, 13),
		.created_at = statement_text(q, 14),
		.verify = statement_text(q, 15),
		.worker = statement_text(q, 16),
		.files = statement_text(q, 17),
		.test_files = statement_text(q, 18),
		.reason = statement_text(q, 19),
		.sort_order = statement_int(q, 20),
	};
}

/* Steps through q, which is ended here. */
static int
each_test(struct store *s, struct sqlite3_stmt *q,
    int (*each)(const struct test_row *row, void *argument), void *argument)
{
	int result;

	while ((result = statement_step(s, q)) == 1) {
		struct test_row row = read_test(q);

		result = each(&row, argument);
		if (result != 0)
			break;
	}
	statement_end(q);
	return result;
}

int
queries_each_test(struct store *s, const char *loop_id, const char *status,
    int (*each)(const struct test_row *row, void *argument), void *argument)
{
	return each_test(s,
	    statement_query(s,
		TEST_COLUMNS "LEFT JOIN loops l ON l.id = t.loop_id "
			     "WHERE (?1 IS NULL OR t.loop_id = ?1) "
			     "AND (?2 IS NULL OR t.status = ?2) "
			     "ORDER BY ifnull(l.priority, 1000), t.loop_id, "
			     "ifnull(t.sort_order, 0), t.id",
		"tt", loop_id, status),
	    each, argument);
}

int
queries_test(struct store *s, const char *id,
    int (*each)(const struct test_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    TEST_COLUMNS "WHERE t.id = ?1 COLLATE NOCASE "
			 "ORDER BY t.id <> ?1 LIMIT 1",
	    "t", id);
	int result = statement_step(s, q);

	if (result == 1) {
		struct test_row row = read_test(q);

		(void)each(&row, argument);
	}
	statement_end(q);
	return result;
}

int
queries_each_dependent(struct store *s, const char *test_id,
    int (*each)(const struct test_row *row, void *argument), void *argument)
{
	return each_test(s,
	    statement_query(s,
		TEST_COLUMNS "WHERE t.depends_on = ?1 "
			     "ORDER BY t.id",
		"t", test_id),
	    each, argument);
}

int
queries_each_attempt(struct store *s, const char *test_id,
    int (*each)(const struct attempt_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, test_id, loop_id, fence, state, outcome, pid, "
	    "pid_start, boot_id, transcript, base_commit, result_commit, "
	    "tokens, cost_usd, started_at, ended_at FROM attempts "
	    "WHERE test_id = ?1 ORDER BY fence, started_at",
	    "t", test_id);
	int result;

	while ((result = statement_step(s, q)) == 1) {
		struct attempt_row row = {
			.id = statement_text(q, 0),
			.test_id = statement_text(q, 1),
			.loop_id = statement_text(q, 2),
			.fence = statement_int(q, 3),
			.state = statement_text(q, 4),
			.outcome = statement_text(q, 5),
			.pid = statement_int(q, 6),
			.pid_start = statement_int(q, 7),
			.boot_id = statement_text(q, 8),
			.transcript = statement_text(q, 9),
			.base_commit = statement_text(q, 10),
			.result_commit = statement_text(q, 11),
			.tokens = statement_int(q, 12),
			.cost_usd = statement_double(q, 13),
			.started_at = statement_text(q, 14),
			.ended_at = statement_text(q, 15),
		};

		result = each(&row, argument);
		if (result != 0)
			break;
	}
	statement_end(q);
	return result;
}
