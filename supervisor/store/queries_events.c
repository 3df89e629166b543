#include <stddef.h>

#include "base/clock.h"
#include "store/queries_events.h"
#include "store/schema.h"
#include "store/statement.h"

#define EVENT_COLUMNS                                                 \
	"SELECT e.rowid, e.id, e.timestamp, e.source, e.event_type, " \
	"e.payload, e.correlation_id, e.priority, e.acknowledged, "   \
	"e.acknowledged_by, e.acknowledged_at "

/* Steps through q, which is ended here. */
static int
each_event(struct store *s, struct sqlite3_stmt *q,
    int (*each)(const struct event_row *row, void *argument), void *argument)
{
	int result;

	while ((result = statement_step(s, q)) == 1) {
		struct event_row row = {
			.rowid = statement_int(q, 0),
			.id = statement_text(q, 1),
			.timestamp = statement_text(q, 2),
			.source = statement_text(q, 3),
			.event_type = statement_text(q, 4),
			.payload = statement_text(q, 5),
			.correlation_id = statement_text(q, 6),
			.priority = statement_int(q, 7),
			.acknowledged = statement_int(q, 8),
			.acknowledged_by = statement_text(q, 9),
			.acknowledged_at = statement_text(q, 10),
		};

		result = each(&row, argument);
		if (result != 0)
			break;
	}
	statement_end(q);
	return result;
}

int
queries_each_event(struct store *s, int64_t since_wall_ms,
    int (*each)(const struct event_row *row, void *argument), void *argument)
{
	char since[CLOCK_ISO_SIZE];

	clock_format_iso(since, since_wall_ms);
	since[19] = '\0'; /* whole seconds: all that some writers tell */
	return each_event(s,
	    statement_query(s,
		EVENT_COLUMNS "FROM events e WHERE " SCHEMA_EVENT_TIME " >= ?1"
			      " ORDER BY " SCHEMA_EVENT_TIME ", e.rowid",
		"t", since),
	    each, argument);
}

int
queries_each_event_after(struct store *s, int64_t rowid,
    int (*each)(const struct event_row *row, void *argument), void *argument)
{
	return each_event(s,
	    statement_query(s,
		EVENT_COLUMNS "FROM events e WHERE e.rowid > ?1 "
			      "ORDER BY e.rowid",
		"i", rowid),
	    each, argument);
}

/* The newest ?2 of those where column is ?1, found by its index. */
#define NEWEST_OF(column)                                                \
	"SELECT * FROM (SELECT rowid AS n, " SCHEMA_EVENT_TIME " AS at " \
	"FROM events WHERE " column " = ?1 "                             \
	"ORDER BY " SCHEMA_EVENT_TIME " DESC, rowid DESC LIMIT ?2)"

int
queries_last_events(struct store *s, const char *component, int n,
    int (*each)(const struct event_row *row, void *argument), void *argument)
{
	return each_event(s,
	    statement_query(s,
		EVENT_COLUMNS "FROM events e WHERE e.rowid IN (SELECT n FROM "
			      "(" NEWEST_OF("component") " UNION " NEWEST_OF(
				  "loop_id") ") ORDER BY at DESC, n DESC LIMIT "
					     "?2) "
					     "ORDER BY " SCHEMA_EVENT_TIME
					     ", e.rowid",
		"ti", component, (int64_t)n),
	    each, argument);
}

int
queries_last_event_rowid(struct store *s, int64_t *ret)
{
	*ret = 0;
	return statement_int_of(
		   s, ret, "SELECT ifnull(max(rowid), 0) FROM events", "") < 0
	    ? -1
	    : 0;
}

int
queries_each_payload_key(struct store *s,
    int (*each)(const char *key, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT DISTINCT j.key FROM events e, json_each(CASE WHEN "
	    "json_valid(e.payload) AND json_type(e.payload) = 'object' "
	    "THEN e.payload ELSE '{}' END) j ORDER BY 1",
	    "");
	int result;

	while ((result = statement_step(s, q)) == 1) {
		result = each(statement_text(q, 0), argument);
		if (result != 0)
			break;
	}
	statement_end(q);
	return result;
}
