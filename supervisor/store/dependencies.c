#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "store/attempts.h"
#include "store/dependencies.h"
#include "store/note.h"
#include "store/statement.h"

/* Rows that the index tests_waiting has. */
#define WAITS	"waiting = 1 AND status = 'pending'"
#define T_WAITS "t.waiting = 1 AND t.status = 'pending'"
#define D_WAITS "d.waiting = 1 AND d.status = 'pending'"
#define WAITING "tests t INDEXED BY tests_waiting WHERE " T_WAITS

#define SETTLED                                                          \
	"SELECT d.id, d.status, count(*) AS n, min(t.id) AS first"       \
	" FROM tests d JOIN tests t ON t.depends_on = d.id AND " T_WAITS \
	" WHERE d.status IN ('skipped', 'blocked', 'failed') GROUP BY d.id"
#define MISSING                                                             \
	"SELECT t.depends_on, 'missing', count(*), min(t.id)"               \
	" FROM " WAITING " AND t.depends_on <> '' AND NOT EXISTS (SELECT 1" \
	" FROM tests d WHERE d.id = t.depends_on) GROUP BY t.depends_on"

int
dependencies_dead_ends(struct store *s,
    void (*found)(const struct dead_end *end, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT e.id, e.status, (SELECT group_concat(id, ', ')"
	    " FROM (SELECT id FROM tests WHERE depends_on = e.id AND " WAITS
	    " ORDER BY id LIMIT 5)), e.n, (SELECT loop_id FROM tests"
	    " WHERE id = e.first) FROM (" SETTLED " UNION ALL " MISSING
	    ") e ORDER BY e.id",
	    "");
	struct dead_end end;
	int more;

	while ((more = statement_row(s, q, "tttit", &end.test_id, &end.status,
		    &end.waiting, &end.n, &end.loop_id)) == 1)
		found(&end, argument);
	statement_end(q);
	return more;
}

int
dependencies_circular(struct store *s,
    void (*found)(const char *test_id, const char *depends_on, void *argument),
    void *argument)
{
	/* From what will be begun or decided, all that comes after it; whoever
	 * isn't reached from there waits for itself. */
	struct sqlite3_stmt *q = statement_query(s,
	    "WITH RECURSIVE reached (id) AS (SELECT t.id FROM " WAITING
	    " AND NOT EXISTS (SELECT 1 FROM tests d"
	    " WHERE d.id = t.depends_on AND " D_WAITS ") UNION ALL"
	    " SELECT t.id FROM reached r JOIN tests t"
	    " ON t.depends_on = r.id AND " T_WAITS ") SELECT t.id, t.depends_on"
	    " FROM " WAITING " AND t.id NOT IN (SELECT id FROM reached)"
	    " ORDER BY t.id",
	    "");
	const char *test_id, *depends_on;
	int more;

	while ((more = statement_row(s, q, "tt", &test_id, &depends_on)) == 1)
		found(test_id, depends_on, argument);
	statement_end(q);
	return more;
}

struct resume {
	char loop_id[TEXT_NAME_MAX + 1];
	char test_id[ATTEMPT_TEST_SIZE];
	char depends_on[ATTEMPT_TEST_SIZE];
	char passed_at[64];
};

/* The last that the loop l was asked for, by whomever. */
#define ASKED                                                              \
	"ifnull((SELECT e.event_type FROM events e WHERE e.event_type IN"  \
	" ('pause_requested', 'resume_requested') AND l.id IN (e.loop_id," \
	" e.component) ORDER BY e.rowid DESC LIMIT 1), '')"

/* What is asked is found again by these, as they are kept. */
#define TEST_FITS ATTEMPT_TEST_FITS("t.id")
#define IS_KEPT                                              \
	TEST_FITS " AND length(CAST(l.id AS BLOB)) <= 48"    \
		  " AND length(CAST(ifnull(d.passed_at, '')" \
		  " AS BLOB)) < 64"

/* One of others that may go on and wasn't asked to since. 1, 0, -1. */
static int
find_resume(struct store *s,
    bool (*is_ours)(const char *loop_id, void *argument), void *argument,
    struct resume *ret)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT l.id, t.id, d.id, d.passed_at FROM loops l"
	    " JOIN tests t ON t.id = l.current_test_id"
	    " JOIN tests d ON d.id = t.depends_on"
	    " WHERE l.status = 'paused' AND t.status = 'pending'"
	    " AND d.status = 'passed' AND t.parked IS NULL"
	    " AND " IS_KEPT " AND " ASKED " <> 'pause_requested'"
	    " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.test_id = t.id"
	    " AND e.event_type = 'resume_requested' AND e.loop_id = l.id"
	    " AND ifnull(json_extract(e.payload, '$.passed_at'), '')"
	    " = ifnull(CAST(d.passed_at AS TEXT), ''))",
	    "");
	struct resume r;
	int more;

	while ((more = statement_row(s, q, "ssss", r.loop_id, sizeof(r.loop_id),
		    r.test_id, sizeof(r.test_id), r.depends_on,
		    sizeof(r.depends_on), r.passed_at, sizeof(r.passed_at))) ==
		1 &&
	    is_ours(r.loop_id, argument))
		continue;
	statement_end(q);
	if (more == 1)
		*ret = r;
	return more;
}

int
dependencies_resume(struct store *s,
    bool (*is_ours)(const char *loop_id, void *argument), void *argument,
    const char *by)
{
	char why[ATTEMPT_TEST_SIZE + 16];
	struct resume r;
	int found = find_resume(s, is_ours, argument, &r), asked = 0;

	/* Nothing is locked as long as there is nothing to do. */
	if (found <= 0)
		return found;
	if (note_begin(s) < 0)
		return -1;
	while ((found = find_resume(s, is_ours, argument, &r)) == 1) {
		(void)snprintf(why, sizeof(why), "%s has passed", r.depends_on);
		found = note_event(s, by, "resume_requested", "ttttttt",
		    "component", r.loop_id, "loop_id", r.loop_id, "test_id",
		    r.test_id, "depends_on", r.depends_on, "passed_at",
		    r.passed_at, "by", by, "why", why);
		if (found < 0)
			break;
		asked++;
	}
	return store_end(s, found < 0 ? -1 : asked);
}

int
dependencies_set(struct store *s, const char *test_id, const char *depends_on,
    const char *by)
{
	int changed = statement_get(s,
	    "WITH RECURSIVE up (id) AS (SELECT ?2 UNION SELECT t.depends_on"
	    " FROM up JOIN tests t ON t.id = up.id WHERE t.depends_on <> '')"
	    " SELECT 1 FROM up WHERE id = ?1",
	    "tt>", test_id, depends_on);

	if (changed != 0)
		return changed < 0 ? -1
				   : store_refuse(s, EINVAL,
					 "%s can't wait for %s, which waits "
					 "for it",
					 test_id, depends_on);
	changed = statement_change(s,
	    "UPDATE tests SET depends_on = ?2 WHERE id = ?1"
	    " AND nullif(depends_on, '') IS NOT ?2",
	    "tt", test_id, depends_on);

	if (changed > 0 &&
	    note_event(s, by, "dependency_changed", "tttt", "test_id", test_id,
		"result", depends_on != NULL ? NULL : "free", "depends_on",
		depends_on, "by", by) < 0)
		return -1;
	return changed;
}
