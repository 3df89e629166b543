#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/note.h"
#include "store/overlap.h"
#include "store/passing.h"
#include "store/scopes.h"
#include "store/statement.h"

#define MERGED_MAX 50
#define LOOK_MAX   1000 /* whose files are compared with what changed */

/* Of s: a test that passed, of one of these loops. */
#define WITH_PASSED                                               \
	" CROSS JOIN tests t ON t.id = s.id"                      \
	" WHERE s.status = 'passed' AND s.id <> ?1"               \
	" AND s.loop_id IN (SELECT value FROM json_each(?2))"     \
	" AND s.id NOT IN (SELECT test_id FROM regressions"       \
	" WHERE status = 'open') AND ifnull(t.verify, '') <> '' " \
	"AND " ATTEMPT_TEST_FITS("s.id")

/* All that is asked for is in the index, which has them in their order: however
 * long a specification is, it isn't read. */
#define PASSED "tests s INDEXED BY tests_verified" WITH_PASSED

#define FIELDS                                       \
	"t.id, t.loop_id, t.verify, " PASSING_COMMIT \
	", ifnull(t.runs, 0), ifnull(t.flakes, 0)"
#define COLUMNS FIELDS ", 0"

/* Patterns of files as a set; what is no JSON is an empty one. */
#define FILES                                                       \
	"json_each(CASE WHEN json_valid(s.files) THEN s.files ELSE" \
	" '[]' END)"

static const char merged[] = "SELECT " COLUMNS " FROM json_each(?3) m"
			     " CROSS JOIN tests s ON s.id = m.value" WITH_PASSED
			     " ORDER BY m.key LIMIT ?4";

/* Those that were broken within a day, and aren't any more. */
static const char mended[] =
    "SELECT " COLUMNS " FROM (SELECT test_id, max(closed_at) AS closed_at"
    " FROM regressions WHERE status = 'cleared'"
    " AND julianday(closed_at) > julianday('now', '-1 day')"
    " GROUP BY test_id) g CROSS JOIN tests s ON s.id = g.test_id" WITH_PASSED
    " ORDER BY g.closed_at DESC LIMIT ?3";

/* Those that an earlier attempt of the test broke. */
static const char broken[] =
    "SELECT " COLUMNS " FROM (SELECT DISTINCT broken_test FROM attempts"
    " WHERE test_id = ?1 AND broken_test IS NOT NULL) b"
    " CROSS JOIN tests s ON s.id = b.broken_test" WITH_PASSED " LIMIT ?3";

/* Of a change of very many files the first tell enough. */
#define CHANGED \
	"changed AS MATERIALIZED (SELECT value FROM json_each(?3) LIMIT 64)"
#define IS_CONCERNED                        \
	" AND EXISTS (SELECT 1 FROM " FILES \
	" f, changed c WHERE overlaps(f.value, c.value))"

/* Among those that were verified longest ago: where a change concerns many,
 * these are enough. */
static const char concerned[] =
    "WITH " CHANGED " SELECT " COLUMNS " FROM (SELECT verified_at, status,"
    " loop_id, id, files FROM tests INDEXED BY tests_verified"
    " WHERE status = 'passed' ORDER BY verified_at LIMIT ?5) s" WITH_PASSED
    " AND s.files IS NOT NULL" IS_CONCERNED " ORDER BY s.verified_at LIMIT ?4";

/* What has changed, and all folders above it. */
#define FOLDERS                                                    \
	"folders(name) AS (SELECT value FROM changed UNION SELECT" \
	" " SCOPES_ABOVE("name") " FROM folders WHERE name <> '')"
#define NEAR                                                       \
	"near AS MATERIALIZED (SELECT DISTINCT p.test_id FROM"     \
	" folders f CROSS JOIN test_scopes p ON p.prefix = f.name" \
	" LIMIT ?5)"

/* Where it concerns few, they are found by where their files are. */
static const char in_scope[] =
    "WITH RECURSIVE " CHANGED ", " FOLDERS ", " NEAR " SELECT " COLUMNS
    " FROM near n CROSS JOIN tests s ON s.id = n.test_id" WITH_PASSED
	IS_CONCERNED " ORDER BY s.verified_at LIMIT ?4";

static const char oldest[] =
    "SELECT " COLUMNS " FROM " PASSED
    " AND (?5 = '' OR ifnull(t.verified_commit, '') <> ?5)"
    " ORDER BY s.verified_at LIMIT ?4 + ?3";

static const char regressed[] =
    "SELECT " FIELDS
    ", ifnull(g.enough, 0) FROM regressions g JOIN tests t ON t.id = g.test_id"
    " WHERE g.status = 'open' AND t.status = 'passed'"
    " AND t.loop_id IN (SELECT value FROM json_each(?1))"
    " AND ifnull(t.verify, '') <> ''"
    " ORDER BY ifnull(g.checked_at, g.detected_at) LIMIT ?2";

static bool
is_listed(const struct passing_list *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->tests[i].id, id) == 0)
			return true;
	return false;
}

static int
add(struct passing_list *list, struct passing_test *test, const char *verify)
{
	test->verify = texts_add(&list->verifies, verify);
	if (test->verify == NULL)
		return -1;
	list->tests[list->n++] = *test;
	return 0;
}

/* Adds rows until there are max of them. */
static int
take_rows(struct store *s, struct sqlite3_stmt *rows, int max,
    struct passing_list *list)
{
	struct passing_test t = { 0 };
	const char *verify;
	int more = 1;

	while (list->n < (size_t)max &&
	    (more = statement_row(s, rows, "sstsiin", t.id, sizeof(t.id),
		 t.loop_id, sizeof(t.loop_id), &verify, t.commit,
		 sizeof(t.commit), &t.runs, &t.flakes, &t.enough)) == 1) {
		if (!is_listed(list, t.id) && add(list, &t, verify) < 0) {
			more = store_refuse(s, ENOMEM, "out of memory");
			break;
		}
	}
	statement_end(rows);
	return more < 0 ? -1 : 0;
}

/* Those that a candidate may break more likely than others. */
static int
pick_doubted(struct store *s, const struct passing_request *request,
    struct passing_list *list)
{
	if (take_rows(s,
		statement_query(s, merged, "ttti", request->except_id,
		    request->loops, request->merged, (int64_t)MERGED_MAX),
		MERGED_MAX, list) < 0 ||
	    take_rows(s,
		statement_query(s, broken, "tti", request->except_id,
		    request->loops, (int64_t)list->n + request->max),
		(int)list->n + request->max, list) < 0)
		return -1;
	return take_rows(s,
	    statement_query(s, mended, "tti", request->except_id,
		request->loops, (int64_t)list->n + request->max),
	    (int)list->n + request->max, list);
}

/* max of all: those that the change concerns, then the oldest. */
static int
pick_plain(struct store *s, const struct passing_request *request,
    struct passing_list *list)
{
	const int max = (int)list->n + request->max;
	int result = take_rows(s,
	    statement_query(s, concerned, "tttii", request->except_id,
		request->loops, request->changed, (int64_t)max,
		(int64_t)LOOK_MAX),
	    max, list);

	if (result == 0 && list->n < (size_t)max)
		result = take_rows(s,
		    statement_query(s, in_scope, "tttii", request->except_id,
			request->loops, request->changed, (int64_t)max,
			(int64_t)LOOK_MAX),
		    max, list);
	if (result == 0 && list->n < (size_t)max)
		result = take_rows(s,
		    statement_query(s, oldest, "ttiit", request->except_id,
			request->loops, (int64_t)list->n, (int64_t)max,
			request->not_on != NULL ? request->not_on : ""),
		    max, list);
	list->nplain = list->n;
	return result;
}

int
passing_pick(struct store *s, const struct passing_request *request,
    struct passing_list *ret)
{
	struct passing_list list = { 0 };
	int result = 0;

	if (overlap_register(s) < 0)
		return -1;
	list.tests = calloc(
	    MERGED_MAX + 4 * (size_t)request->max + 1, sizeof(*list.tests));
	if (list.tests == NULL)
		return store_refuse(s, ENOMEM, "out of memory");
	if (request->merged != NULL)
		result = pick_doubted(s, request, &list);
	if (result == 0)
		result = pick_plain(s, request, &list);
	if (result == 0 && request->regressed)
		result = take_rows(s,
		    statement_query(s, regressed, "ti", request->loops,
			(int64_t)request->max),
		    (int)list.n + request->max, &list);
	if (result < 0)
		passing_free(&list);
	else
		*ret = list;
	return result;
}

void
passing_free(struct passing_list *list)
{
	texts_free(list->verifies.items);
	free(list->tests);
	*list = (struct passing_list){ 0 };
}

char *
passing_loops(struct store *s, const char *loops, const char *configured)
{
	char *list = NULL;
	int found = statement_get(s,
	    "SELECT json_group_array(id) FROM (SELECT value AS id"
	    " FROM json_each(?1) UNION SELECT id FROM loops"
	    " WHERE status <> 'running'"
	    " AND id NOT IN (SELECT value FROM json_each(?2)))",
	    "tt>m", loops, configured, &list);

	return found > 0 ? list : NULL;
}

static int
note_all(struct store *s, const struct passing_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->tests[i].passes &&
		    statement_run(s,
			"UPDATE tests SET verified_at = " NOTE_NOW
			" WHERE id = ?1 AND status = 'passed' AND NOT EXISTS"
			" (SELECT 1 FROM regressions g WHERE g.test_id = ?1"
			" AND g.status = 'open')",
			"t", list->tests[i].id) < 0)
			return -1;
	return 0;
}

int
passing_add_within(struct store *s, const char *test_id, const char *commit)
{
	return statement_run(s,
	    "INSERT OR IGNORE INTO passing_tests"
	    " (test_id, commit_hash, passed_at) VALUES (?1, ?2, " NOTE_NOW ")",
	    "tt", test_id, commit);
}

int
passing_verified(struct store *s, const struct passing_list *list)
{
	if (list->n == 0)
		return 0;
	return note_begin(s) < 0 ? -1 : store_end(s, note_all(s, list));
}

/* Of the run's tests t: it passed on ?2, and nowhere else since it was picked.
 */
#define HAS_PASSED \
	"?2 <> '' AND (?5 IS NULL OR ifnull(" PASSING_COMMIT ", '') = ?5)"

static int
note_run(struct store *s, const char *source, const struct passing_run *run)
{
	char loop_id[TEXT_NAME_MAX + 1];
	int64_t flakes;
	int found = statement_get(s,
	    "UPDATE tests AS t SET runs = ifnull(runs, 0) + ?3,"
	    " flakes = ifnull(flakes, 0) + ?4, verified_at = CASE"
	    " WHEN " HAS_PASSED " THEN " NOTE_NOW " ELSE verified_at END,"
	    " verified_commit = CASE WHEN " HAS_PASSED
	    " THEN ?2 ELSE verified_commit END"
	    " WHERE id = ?1 AND status = 'passed' RETURNING loop_id, flakes",
	    "ttiit>si", run->test_id, run->commit, run->runs, run->flakes,
	    run->passed_on, loop_id, sizeof(loop_id), &flakes);

	if (found <= 0 || run->flakes == 0 || flakes > run->flakes)
		return found < 0 ? -1 : 0;
	/* The first time. */
	return note_event(s, source, "flaky_detected", "ttii", "test_id",
		   run->test_id, "loop_id", loop_id, "failed", run->flakes,
		   "runs", run->runs) < 0
	    ? -1
	    : 1;
}

int
passing_note(struct store *s, const char *source, const struct passing_run *run)
{
	return note_begin(s) < 0 ? -1 : store_end(s, note_run(s, source, run));
}
