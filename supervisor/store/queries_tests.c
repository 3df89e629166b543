#include "store/queries_tests.h"
#include "store/statement.h"

#define TEST_COLUMNS                                                          \
	"SELECT t.id, t.loop_id, t.category, t.status, t.attempts, "          \
	"t.max_attempts, t.last_result, t.depends_on, t.automatable, "        \
	"t.notes, t.spec_content, t.last_attempt_at, t.passed_at, "           \
	"t.verified_at, t.created_at, t.verify, t.worker, t.files, "          \
	"t.test_files, t.reason, t.sort_order, ifnull(t.allow_test_changes, " \
	"0), t.retry_at, t.runs, t.flakes, CASE WHEN t.status = 'pending' "   \
	"AND t.waiting THEN ifnull(t.parked, t.depends_on) END, t.parked "    \
	"FROM tests t "

static int
next_test(struct store *s, struct sqlite3_stmt *q, struct test_row *r)
{
	return statement_row(s, q, "ttttiittitttttttttttiitiitt", &r->id,
	    &r->loop_id, &r->category, &r->status, &r->attempts,
	    &r->max_attempts, &r->last_result, &r->depends_on, &r->automatable,
	    &r->notes, &r->spec_content, &r->last_attempt_at, &r->passed_at,
	    &r->verified_at, &r->created_at, &r->verify, &r->worker, &r->files,
	    &r->test_files, &r->reason, &r->sort_order, &r->allow_test_changes,
	    &r->retry_at, &r->runs, &r->flakes, &r->waits_for, &r->parked);
}

/* Steps through q, which is ended here. */
static int
each_test(struct store *s, struct sqlite3_stmt *q,
    int (*each)(const struct test_row *row, void *argument), void *argument)
{
	struct test_row row;
	int result;

	while ((result = next_test(s, q, &row)) == 1 &&
	    (result = each(&row, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

/* What is handed over, and how much more of it may be. */
struct listing {
	int (*each)(const struct test_row *row, void *argument);
	void *argument;
	int64_t left; /* -1: no limit */
};

static int
count_down(const struct test_row *row, void *argument)
{
	struct listing *l = argument;

	if (l->left > 0)
		l->left--;
	return l->each(row, l->argument);
}

/* Those of one loop, or of none (NULL), by the index of their order; those in
 * one status by the index of that, their order alone being sorted. */
static int
each_of_loop(
    struct store *s, const char *loop_id, const char *status, struct listing *l)
{
	static const char all[] =
	    TEST_COLUMNS "WHERE t.loop_id IS ?1 "
			 "ORDER BY t.place, t.id LIMIT ?2";
	static const char some[] =
	    TEST_COLUMNS "WHERE t.rowid IN (SELECT rowid FROM tests "
			 "WHERE loop_id IS ?1 AND status = ?3 "
			 "ORDER BY ifnull(sort_order, 0), id LIMIT ?2) "
			 "ORDER BY t.place, t.id";

	return each_test(s,
	    status == NULL
		? statement_query(s, all, "ti", loop_id, l->left)
		: statement_query(s, some, "tit", loop_id, l->left, status),
	    count_down, l);
}

/* Whoever has tests, by priority; NULL, whose tests are nobody's, as well. */
static const char owners[] =
    "WITH RECURSIVE owners(id) AS (SELECT min(loop_id) FROM tests UNION ALL "
    "SELECT (SELECT min(loop_id) FROM tests WHERE loop_id > o.id) "
    "FROM owners o WHERE o.id IS NOT NULL) "
    "SELECT o.id, o.id IS NULL FROM owners o LEFT JOIN loops l ON l.id = o.id "
    "ORDER BY ifnull(l.priority, 1000), o.id";

int
queries_first_tests(struct store *s, const char *loop_id, const char *status,
    int64_t limit, int (*each)(const struct test_row *row, void *argument),
    void *argument)
{
	struct listing l = { each, argument, limit };
	struct sqlite3_stmt *q;
	const char *owner;
	bool none;
	int more, result = 0;

	if (loop_id != NULL)
		return each_of_loop(s, loop_id, status, &l);
	q = statement_query(s, owners, "");
	while (l.left != 0 && result == 0 &&
	    (more = statement_row(s, q, "tb", &owner, &none)) != 0)
		result = more < 0
		    ? -1
		    : each_of_loop(s, none ? NULL : owner, status, &l);
	statement_end(q);
	return result;
}

int
queries_each_test(struct store *s, const char *loop_id, const char *status,
    int (*each)(const struct test_row *row, void *argument), void *argument)
{
	return queries_first_tests(s, loop_id, status, -1, each, argument);
}

int
queries_each_status(struct store *s, const char *loop_id,
    int (*each)(const char *status, int64_t n, void *argument), void *argument)
{
	struct sqlite3_stmt *q = loop_id == NULL
	    ? statement_query(s,
		  "SELECT status, count(*) FROM tests "
		  "INDEXED BY tests_status GROUP BY status",
		  "")
	    : statement_query(s,
		  "SELECT status, count(*) FROM tests "
		  "INDEXED BY tests_queue WHERE loop_id = ?1 GROUP BY status",
		  "t", loop_id);
	const char *status;
	int64_t n;
	int result;

	while ((result = statement_row(s, q, "ti", &status, &n)) == 1 &&
	    (result = each(status, n, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
queries_each_waiting(struct store *s, const char *loop_id, int limit,
    int (*each)(const struct test_row *row, void *argument), void *argument)
{
	return each_test(s,
	    statement_query(s,
		"WITH w AS (SELECT * FROM (SELECT id FROM tests"
		" WHERE parked IS NOT NULL AND loop_id = ?1"
		" AND status = 'pending' LIMIT ?2) UNION ALL"
		" SELECT * FROM (SELECT id FROM tests WHERE loop_id = ?1"
		" AND status = 'pending' AND waiting = 1 AND parked IS NULL"
		" LIMIT ?2)) " TEST_COLUMNS "JOIN w ON w.id = t.id "
		"ORDER BY t.parked IS NULL",
		"ti", loop_id, (int64_t)limit),
	    each, argument);
}

int
queries_test(struct store *s, const char *id,
    int (*each)(const struct test_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    TEST_COLUMNS "WHERE t.id = ifnull("
			 "(SELECT id FROM tests WHERE id = ?1), "
			 "(SELECT id FROM tests WHERE id = ?1 COLLATE NOCASE "
			 "ORDER BY id LIMIT 1))",
	    "t", id);
	struct test_row row;
	int found = next_test(s, q, &row);

	if (found == 1)
		(void)each(&row, argument);
	statement_end(q);
	return found;
}

int
queries_each_dependent(struct store *s, const char *test_id, int64_t limit,
    int (*each)(const struct test_row *row, void *argument), void *argument)
{
	return each_test(s,
	    statement_query(s,
		TEST_COLUMNS "WHERE t.id IN (SELECT id FROM tests "
			     "WHERE depends_on = ?1 ORDER BY id LIMIT ?2) "
			     "ORDER BY t.id",
		"ti", test_id, limit),
	    each, argument);
}

int
queries_count_dependents(struct store *s, const char *test_id, int64_t *ret)
{
	return statement_get(s,
		   "SELECT count(*) FROM tests WHERE depends_on = ?1", "t>i",
		   test_id, ret) == 1
	    ? 0
	    : -1;
}

int
queries_each_attempt(struct store *s, const char *test_id,
    int (*each)(const struct attempt_row *row, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, test_id, loop_id, fence, state, outcome, pid, "
	    "pid_start, boot_id, transcript, command, base_commit, "
	    "result_commit, "
	    "ifnull(tokens, -1), ifnull(cost_usd, -1), started_at, ended_at "
	    "FROM attempts "
	    "WHERE test_id = ?1 ORDER BY fence, started_at",
	    "t", test_id);
	struct attempt_row r;
	int result;

	while ((result = statement_row(s, q, "tttittiitttttidtt", &r.id,
		    &r.test_id, &r.loop_id, &r.fence, &r.state, &r.outcome,
		    &r.pid, &r.pid_start, &r.boot_id, &r.transcript, &r.command,
		    &r.base_commit, &r.result_commit, &r.tokens, &r.cost_usd,
		    &r.started_at, &r.ended_at)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}
