#include "store/parked.h"
#include "store/note.h"
#include "store/statement.h"

int
parked_begin(struct store *s, const char *test_id, const char *id)
{
	return statement_change(s,
	    "UPDATE tests SET parked = ?2 WHERE id = ?1 AND parked IS NULL"
	    " AND status IN ('pending', 'in_progress')",
	    "tt", test_id, id);
}

int
parked_end(struct store *s, const char *id)
{
	return statement_change(
	    s, "UPDATE tests SET parked = NULL WHERE parked = ?1", "t", id);
}

#define IS_LOST                                                        \
	"parked IS NOT NULL AND NOT EXISTS (SELECT 1 FROM decisions d" \
	" WHERE d.id = tests.parked AND (d.status = 'pending'"         \
	" OR (d.status IN ('decided', 'auto_resolved')"                \
	" AND d.applied_at IS NULL))) AND NOT EXISTS (SELECT 1"        \
	" FROM conflicts c WHERE c.id = tests.parked AND c.closed_at IS NULL)"

int
parked_sweep(struct store *s)
{
	int found = statement_get(
	    s, "SELECT 1 FROM tests WHERE " IS_LOST " LIMIT 1", ">");

	/* Nothing is locked as long as there is nothing to do. */
	if (found <= 0)
		return found;
	return note_begin(s) < 0
	    ? -1
	    : store_end(s,
		  statement_change(
		      s, "UPDATE tests SET parked = NULL WHERE " IS_LOST, ""));
}

/* However long the queue is, only its head is looked at for tests that wait
 * for others; those that wait for one before them are left out. */
int
parked_describe(struct store *s, const char *loop_id, char *ret, size_t size)
{
	int found = statement_get(s,
	    "SELECT group_concat(id, ', ') FROM (SELECT id FROM ("
	    "SELECT DISTINCT parked AS id, 1 AS place FROM tests"
	    " INDEXED BY tests_parked WHERE parked IS NOT NULL AND loop_id = ?1"
	    " AND status = 'pending' UNION "
	    "SELECT depends_on, 2 FROM (SELECT depends_on, waiting, parked"
	    " FROM tests WHERE loop_id = ?1 AND status = 'pending'"
	    " ORDER BY sort_order, id LIMIT 100) t"
	    " WHERE waiting = 1 AND parked IS NULL AND NOT EXISTS (SELECT 1 "
	    "FROM tests d"
	    " WHERE d.id = t.depends_on AND d.loop_id = ?1"
	    " AND d.status = 'pending')) ORDER BY place, id LIMIT 5)",
	    "t>s", loop_id, ret, size);

	return found < 0 ? -1 : 0;
}
