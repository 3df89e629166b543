#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "store/note.h"
#include "store/queries_queue.h"
#include "store/statement.h"

#define KEY_SIZE 160

int
queries_place(struct store *s, const char *id, struct queue_place *ret)
{
	return statement_get(s,
	    "SELECT loop_id, status FROM tests WHERE id = ?1", "t>ss", id,
	    ret->loop_id, sizeof(ret->loop_id), ret->status,
	    sizeof(ret->status));
}

int
queries_each_category(struct store *s,
    int (*each)(const char *category, const char *loop_id, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT category, loop_id FROM tests WHERE category IS NOT NULL"
	    " AND loop_id IS NOT NULL GROUP BY category, loop_id"
	    " ORDER BY category, count(*) DESC, loop_id",
	    "");
	const char *category, *loop_id;
	int result;

	while ((result = statement_row(s, q, "tt", &category, &loop_id)) == 1 &&
	    (result = each(category, loop_id, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

/* The place in front of which n tests are to stand: 1 where there is room, or
 * that of the test which comes after. What is from there on goes further. */
static int
make_room(struct store *s, const char *loop_id, size_t n, const char *after,
    int64_t *ret_first)
{
	int64_t room = (int64_t)n + 1;

	if (after == NULL) {
		*ret_first = 1;
		return statement_run(s,
		    "UPDATE tests SET sort_order = ifnull(sort_order, 0) + ?2"
		    " - (SELECT min(ifnull(sort_order, 0)) FROM tests"
		    " WHERE loop_id = ?1) WHERE loop_id = ?1",
		    "ti", loop_id, room);
	}
	if (statement_run(s,
		"UPDATE tests SET sort_order = 0"
		" WHERE loop_id = ?1 AND sort_order IS NULL",
		"t", loop_id) < 0 ||
	    statement_get(s, "SELECT sort_order + 1 FROM tests WHERE id = ?1",
		"t>i", after, ret_first) != 1)
		return -1;
	/* By one more, for those that share its place and come behind it. */
	return statement_run(s,
	    "UPDATE tests SET sort_order = sort_order + ?3 WHERE loop_id = ?1"
	    " AND (sort_order, id) > (?4 - 1, ?2)",
	    "ttii", loop_id, after, room, *ret_first);
}

int
queries_order(struct store *s, const char *loop_id, const char *const *ids,
    size_t n, const char *after, const char *by)
{
	int64_t first = 0;

	if (make_room(s, loop_id, n, after, &first) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (statement_run(s,
			"UPDATE tests SET sort_order = ?2 WHERE id = ?1", "ti",
			ids[i], first + (int64_t)i) < 0 ||
		    note_event(s, by, "test_moved", "ttttt", "loop_id", loop_id,
			"test_id", ids[i], "result",
			after != NULL ? "after" : "front", "after", after, "by",
			by) < 0)
			return -1;
	return 0;
}

int
queries_move(
    struct store *s, const char *id, const char *loop_id, const char *by)
{
	char from[TEXT_NAME_MAX + 1];
	int moved = statement_get(s,
	    "SELECT loop_id FROM tests WHERE id = ?1"
	    " AND status IN ('pending', 'failed', 'blocked')",
	    "t>s", id, from, sizeof(from));

	if (moved == 1)
		moved = statement_change(s,
		    "UPDATE tests SET loop_id = ?2, sort_order ="
		    " (SELECT ifnull(max(place), 0) + 1 FROM tests"
		    " WHERE loop_id = ?2) WHERE id = ?1",
		    "tt", id, loop_id);
	if (moved == 1 &&
	    note_event(s, by, "test_moved", "tttt", "loop_id", loop_id,
		"test_id", id, "from", from, "by", by) < 0)
		return -1;
	return moved;
}

int
queries_each_queued(struct store *s, const char *loop_id, int64_t limit,
    int (*each)(const struct queued_row *row, void *argument), void *argument)
{
	/* By status first: in progress comes before pending. */
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT t.id, t.category, t.status, CASE WHEN d.status = 'passed'"
	    " THEN '' ELSE t.depends_on END, ifnull(t.automatable, 1),"
	    " CASE t.status WHEN 'pending' THEN t.parked END"
	    " FROM tests t LEFT JOIN tests d ON d.id = t.depends_on"
	    " WHERE t.loop_id = ?1 AND t.status IN ('in_progress', 'pending')"
	    " ORDER BY t.status, t.sort_order, t.id LIMIT ?2",
	    "ti", loop_id, limit);
	struct queued_row r;
	int result;

	while (
	    (result = statement_row(s, q, "ttttit", &r.id, &r.category,
		 &r.status, &r.depends_on, &r.automatable, &r.parked)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

/* The key in table meta of the configured priority beside which the loop was
 * given another. */
static void
priority_key(char ret[static KEY_SIZE], const char *loop_id)
{
	(void)snprintf(ret, KEY_SIZE, "priority:%s", loop_id);
}

int
queries_set_priority(struct store *s, const char *loop_id, int64_t priority,
    int64_t configured, const char *by, int64_t *ret_before)
{
	char key[KEY_SIZE], value[24];

	priority_key(key, loop_id);
	(void)snprintf(value, sizeof(value), "%" PRId64, configured);
	if (statement_get(s, "SELECT priority FROM loops WHERE id = ?1", "t>i",
		loop_id, ret_before) < 0 ||
	    store_set_meta(s, key, priority != configured ? value : NULL) < 0)
		return -1;
	if (*ret_before == priority)
		return 0;
	if (statement_run(s,
		"UPDATE loops SET priority = ?2, updated_at = " NOTE_NOW
		" WHERE id = ?1",
		"ti", loop_id, priority) < 0 ||
	    note_event(s, by, "priority_changed", "tiit", "loop_id", loop_id,
		"priority", priority, "before", *ret_before, "by", by) < 0)
		return -1;
	return 1;
}

int
queries_kept_priority(
    struct store *s, const char *loop_id, int64_t configured, int64_t *ret)
{
	char key[KEY_SIZE], value[24];
	int64_t then, own = configured;
	int found;

	priority_key(key, loop_id);
	found = store_meta(s, key, value, sizeof(value));
	if (found == 1 && text_parse_int(value, 1, 1000, &then) == 0 &&
	    then == configured)
		found = statement_get(s,
		    "SELECT ifnull(priority, ?2) FROM loops WHERE id = ?1",
		    "ti>i", loop_id, configured, &own);
	else if (found == 1)
		found = store_set_meta(s, key, NULL);
	if (found < 0)
		return -1;
	*ret = own;
	return 0;
}
