#include "store/queries_events.h"
#include "base/clock.h"
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
	struct event_row r;
	int result;

	while ((result = statement_row(s, q, "ittttttiitt", &r.rowid, &r.id,
		    &r.timestamp, &r.source, &r.event_type, &r.payload,
		    &r.correlation_id, &r.priority, &r.acknowledged,
		    &r.acknowledged_by, &r.acknowledged_at)) == 1 &&
	    (result = each(&r, argument)) == 0)
		continue;
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
	return statement_get(s, "SELECT ifnull(max(rowid), 0) FROM events",
		   ">i", ret) == 1
	    ? 0
	    : -1;
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
	const char *key;
	int result;

	while ((result = statement_row(s, q, "t", &key)) == 1 &&
	    (result = each(key, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}
