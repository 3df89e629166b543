#include <string.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "store/edges.h"
#include "store/expiry.h"
#include "store/locks.h"
#include "store/note.h"
#include "store/overlap.h"
#include "store/retry.h"
#include "store/statement.h"

/* So many tests are looked at. */
#define LOOK_MAX "200"

/* What the first tests of the loop ?1 could begin but for locks, and whose
 * these are. The test's patterns are as claims.c reads them. */
static const char queue[] =
    "SELECT l.locked_by, f.value, t.id FROM (SELECT t.* FROM tests t"
    " INDEXED BY tests_ready WHERE t.loop_id = ?1 AND t.status = 'pending'"
    " AND t.waiting = 0 AND ifnull(t.automatable, 1) <> 0"
    " AND " RETRY_IS_DUE(
	"?2") " ORDER BY t.place, t.id LIMIT " LOOK_MAX ") t,"
	      " json_each(CASE WHEN json_valid(t.files) THEN t.files ELSE '[]' "
	      "END) f"
	      " JOIN file_locks l ON overlaps(f.value, l.file_path)"
	      " WHERE l.locked_by <> ?1 AND " LOCK_IS_LIVE("?2");

void
edges_add(struct edges *e, const char *holder, const char *resource,
    const char *test_id)
{
	struct edge *edge = &e->all[e->n];

	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->all[i].holder, holder) == 0 &&
		    strcmp(e->all[i].resource, resource) == 0)
			return;
	if (e->n == EDGES_MAX)
		return;
	if (strlcpy(edge->holder, holder, sizeof(edge->holder)) <
		sizeof(edge->holder) &&
	    strlcpy(edge->resource, resource, sizeof(edge->resource)) <
		sizeof(edge->resource) &&
	    strlcpy(edge->test_id, test_id, sizeof(edge->test_id)) <
		sizeof(edge->test_id))
		e->n++;
}

int
edges_add_queue(struct store *s, const char *loop_id, struct edges *e)
{
	const char *holder, *resource, *test_id;
	char now[CLOCK_ISO_SIZE];
	struct sqlite3_stmt *q;
	int more = 0;

	if (overlap_register(s) < 0)
		return -1;
	expiry_format(s, now, 0);
	q = statement_query(s, queue, "tt", loop_id, now);
	while (e->n < EDGES_MAX &&
	    (more = statement_row(s, q, "ttt", &holder, &resource, &test_id)) ==
		1)
		edges_add(e, holder, resource, test_id);
	statement_end(q);
	return q == NULL || more < 0 ? -1 : 0;
}

/* Whether exactly these are there: 1, 0, -1. */
static int
are_written(struct store *s, const char *waiter, const struct edges *e)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT holder, resource, ifnull(test_id, '') FROM wait_graph"
	    " WHERE waiter = ?1",
	    "t", waiter);
	const char *holder, *resource, *test_id;
	size_t n = 0, found = 0;
	int more;

	while ((more = statement_row(
		    s, q, "ttt", &holder, &resource, &test_id)) == 1) {
		n++;
		for (size_t i = 0; i < e->n; i++)
			found += strcmp(e->all[i].holder, holder) == 0 &&
			    strcmp(e->all[i].resource, resource) == 0 &&
			    strcmp(e->all[i].test_id, test_id) == 0;
	}
	statement_end(q);
	return more < 0 ? -1 : n == e->n && found == n;
}

/* What stays keeps its time. */
static int
replace(struct store *s, const char *waiter, const struct edges *e)
{
	if (statement_run(s,
		"UPDATE wait_graph SET expires_at = 'old' WHERE waiter = ?1",
		"t", waiter) < 0)
		return -1;
	for (size_t i = 0; i < e->n; i++)
		if (statement_run(s,
			"INSERT INTO wait_graph (waiter, holder, resource,"
			" waiting_since, test_id) VALUES (?1, ?2, ?3,"
			" " NOTE_NOW ", ?4) ON CONFLICT (waiter, holder,"
			" resource) DO UPDATE SET expires_at = NULL,"
			" test_id = excluded.test_id",
			"tttt", waiter, e->all[i].holder, e->all[i].resource,
			e->all[i].test_id) < 0)
			return -1;
	return statement_run(s,
	    "DELETE FROM wait_graph WHERE waiter = ?1 AND expires_at = 'old'",
	    "t", waiter);
}

int
edges_write(struct store *s, const char *waiter, const struct edges *e)
{
	int written = are_written(s, waiter, e);

	if (written != 0)
		return written < 0 ? -1 : 0;
	return note_begin(s) < 0 ? -1 : store_end(s, replace(s, waiter, e));
}

int
edges_wait(struct store *s, const char *waiter, const char *resource,
    const char *test_id, int64_t good_ms)
{
	char now[CLOCK_ISO_SIZE], expires[CLOCK_ISO_SIZE];

	expiry_format(s, now, 0);
	expiry_format(s, expires, good_ms);
	/* Those who have let go since are none of it. */
	if (statement_run(s,
		"DELETE FROM wait_graph WHERE waiter = ?1 AND resource = ?2"
		" AND holder NOT IN (SELECT locked_by FROM file_locks l"
		" WHERE overlaps(l.file_path, ?2))",
		"tt", waiter, resource) < 0)
		return -1;
	return statement_run(s,
	    "INSERT INTO wait_graph (waiter, holder, resource, waiting_since,"
	    " test_id, expires_at) SELECT DISTINCT ?1, l.locked_by, ?2,"
	    " " NOTE_NOW ", nullif(?3, ''), ?4 FROM file_locks l"
	    " WHERE l.locked_by <> ?1 AND overlaps(l.file_path, ?2)"
	    " AND " LOCK_IS_LIVE(
		"?5") " ON CONFLICT (waiter, holder, resource) DO UPDATE SET"
		      " expires_at = excluded.expires_at, test_id = "
		      "excluded.test_id",
	    "ttttt", waiter, resource, test_id, expires, now);
}

int
edges_end(struct store *s, const char *waiter, char *const *resources)
{
	int n = 0, one;

	if (resources == NULL)
		return statement_change(
		    s, "DELETE FROM wait_graph WHERE waiter = ?1", "t", waiter);
	for (; *resources != NULL; resources++) {
		one = statement_change(s,
		    "DELETE FROM wait_graph WHERE waiter = ?1"
		    " AND resource = ?2",
		    "tt", waiter, *resources);
		if (one < 0)
			return -1;
		n += one;
	}
	return n;
}
