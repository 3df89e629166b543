#include "store/succession.h"
#include "base/clock.h"
#include "store/expiry.h"
#include "store/note.h"
#include "store/statement.h"

#define DIED "its loop died while it ran"

/* Of the loop ?1, before ?2. Attempts are our own loops'. */
#define LEFT_TESTS                                    \
	"status = 'in_progress' AND loop_id = ?1"     \
	" AND julianday(claimed_at) <= julianday(?2)" \
	" AND NOT EXISTS (SELECT 1 FROM attempts a"   \
	" WHERE a.test_id = tests.id AND a.ended_at IS NULL)"

/* Other programs tell the second only: what may be of the same one counts as
 * the successor's. */
#define IS_OLDER(column)                              \
	"CAST(strftime('%s', " column ") AS INTEGER)" \
	" < CAST(strftime('%s', ?2) AS INTEGER)"

/* Unless it shows by its test, which was given back before, whose it is. */
#define LEFT_LOCKS                                                            \
	"locked_by = ?1 AND (" IS_OLDER(                                      \
	    "locked_at") " OR strftime('%s', locked_at) = strftime('%s', ?2)" \
			 " AND test_id IN (SELECT id FROM tests"              \
			 " WHERE loop_id = ?1 AND status = 'pending'"         \
			 " AND julianday(claimed_at) <= julianday(?2)))"      \
			 " AND NOT EXISTS (SELECT 1 FROM attempts a"          \
			 " WHERE a.test_id = file_locks.test_id AND "         \
			 "a.loop_id = ?1"                                     \
			 " AND a.ended_at IS NULL)"

#define IS_OLD_WAIT  IS_OLDER("waiting_since")
#define LEFT_WAITING "waiter = ?1 AND " IS_OLD_WAIT

/* Who waits for it waits for what it still holds. */
#define LEFT_HOLDING                                               \
	"holder = ?1 AND " IS_OLD_WAIT " AND NOT EXISTS (SELECT 1" \
	" FROM file_locks l WHERE l.locked_by = ?1"                \
	" AND l.file_path = wait_graph.resource)"
#define LEFT_WAITS "(" LEFT_WAITING ") OR (" LEFT_HOLDING ")"

static const char reset_tests[] =
    "UPDATE tests SET status = 'pending', reason = '" DIED "'"
    " WHERE " LEFT_TESTS " RETURNING id";

static const char delete_locks[] = "DELETE FROM file_locks WHERE " LEFT_LOCKS;
static const char delete_waits[] = "DELETE FROM wait_graph WHERE " LEFT_WAITS;

static const char close_checkpoints[] =
    "UPDATE checkpoints SET deleted_at = " NOTE_NOW
    " WHERE deleted_at IS NULL AND checkpoint_type = 'attempt'"
    " AND loop_id = ?1 AND " IS_OLDER(
	"created_at") " AND NOT EXISTS (SELECT 1 FROM attempts a"
		      " WHERE a.test_id = checkpoints.test_id AND a.ended_at "
		      "IS NULL)";

static const char is_left[] =
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM tests WHERE " LEFT_TESTS ")"
    " OR EXISTS (SELECT 1 FROM file_locks WHERE " LEFT_LOCKS ")"
    " OR EXISTS (SELECT 1 FROM wait_graph WHERE " LEFT_WAITS ")";

static int
reset(struct store *s, const char *loop_id, const char *started, const char *by,
    struct recovery_counts *c)
{
	struct sqlite3_stmt *rows =
	    statement_query(s, reset_tests, "tt", loop_id, started);
	const char *id;
	int more;

	while ((more = statement_row(s, rows, "t", &id)) == 1) {
		c->tests++;
		if (note_event(s, by, "test_reset", "ttt", "test_id", id,
			"loop_id", loop_id, "reason", DIED) < 0)
			break;
	}
	statement_end(rows);
	return more != 0 ? -1 : 0;
}

static int
repair(struct store *s, const char *loop_id, const char *started,
    const char *by, struct recovery_counts *c)
{
	if (reset(s, loop_id, started, by, c) < 0)
		return -1;
	c->locks = statement_change(s, delete_locks, "tt", loop_id, started);
	c->waits = statement_change(s, delete_waits, "tt", loop_id, started);
	c->checkpoints =
	    statement_change(s, close_checkpoints, "tt", loop_id, started);
	if (c->locks < 0 || c->waits < 0 || c->checkpoints < 0)
		return -1;
	return note_event(s, by, "recovery_done", "tiiii", "loop_id", loop_id,
	    "tests", c->tests, "locks", c->locks, "waits", c->waits,
	    "checkpoints", c->checkpoints);
}

int
succession_run(struct store *s, const char *loop_id, int64_t started_ms,
    const char *by, struct recovery_counts *ret)
{
	struct recovery_counts counts = { 0 };
	char started[CLOCK_ISO_SIZE];
	int result;

	expiry_format(s, started, started_ms - clock_ms());
	result = statement_get(s, is_left, "tt>", loop_id, started);
	if (result == 1) {
		result = store_begin(s);
		if (result == 0)
			result = store_end(
			    s, repair(s, loop_id, started, by, &counts));
	}
	if (result == 0)
		*ret = counts;
	return result;
}
