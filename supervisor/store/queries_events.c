#include <stdio.h>

#include "base/clock.h"
#include "store/queries_events.h"
#include "store/schema.h"
#include "store/statement.h"

#define LOOKED_THROUGH 10000 /* events, for the fields of their payloads */

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

/* What is written of a word in any case, by an index that has few of it. */
#define WRITTEN(column)                                                     \
	" AND " column " IN (WITH RECURSIVE all_of(word) AS"                \
	" (SELECT min(" column ") FROM events WHERE " column " IS NOT NULL" \
	" UNION ALL SELECT (SELECT min(" column ") FROM events"             \
	" WHERE " column " > a.word) FROM all_of a"                         \
	" WHERE a.word IS NOT NULL)"                                        \
	" SELECT word FROM all_of WHERE word = ?2 COLLATE NOCASE)"

/* Which of them are wanted, beside those since ?1. Of tests there are many:
 * their own table knows them. */
static const char *const keys[] = {
	[QUERIES_EVENT_ALL] = " AND ?2 IS NULL",
	[QUERIES_EVENT_TEST] =
	    " AND test_id IN (SELECT id FROM tests WHERE id = ?2"
	    " COLLATE NOCASE UNION SELECT ?2)",
	[QUERIES_EVENT_LOOP] = WRITTEN("loop_id"),
	[QUERIES_EVENT_COMPONENT] = WRITTEN("component"),
	[QUERIES_EVENT_TYPE] = WRITTEN("event_type"),
};

#define SQL_SIZE 1024

/* FROM and WHERE of all, then what comes behind. */
static const char *
select_events(const struct event_query *query, const char *before,
    const char *after, char sql[static SQL_SIZE])
{
	(void)snprintf(sql, SQL_SIZE,
	    "%s FROM events e WHERE " SCHEMA_EVENT_TIME " >= ?1%s %s", before,
	    keys[query->key], after);
	return sql;
}

/* Whole seconds: all that some writers tell. */
static void
format_since(char ret[static CLOCK_ISO_SIZE], const struct event_query *query)
{
	clock_format_iso(ret, query->since_wall_ms);
	ret[19] = '\0';
}

int
queries_each_event(struct store *s, const struct event_query *query,
    int (*each)(const struct event_row *row, void *argument), void *argument)
{
	char since[CLOCK_ISO_SIZE], sql[SQL_SIZE];

	format_since(since, query);
	if (query->limit < 0)
		(void)select_events(query, EVENT_COLUMNS,
		    "ORDER BY " SCHEMA_EVENT_TIME ", e.rowid", sql);
	else
		(void)select_events(query,
		    EVENT_COLUMNS "FROM events e WHERE e.rowid IN (SELECT "
				  "e.rowid",
		    "ORDER BY " SCHEMA_EVENT_TIME " DESC, e.rowid DESC"
		    " LIMIT ?3) ORDER BY " SCHEMA_EVENT_TIME ", e.rowid",
		    sql);
	return each_event(s,
	    statement_query(s, sql, query->limit < 0 ? "tt" : "tti", since,
		query->value, query->limit),
	    each, argument);
}

int
queries_has_more_events(struct store *s, const struct event_query *query)
{
	char since[CLOCK_ISO_SIZE], sql[SQL_SIZE];

	format_since(since, query);
	return statement_get(s,
	    select_events(query, "SELECT 1", "LIMIT 1 OFFSET ?3", sql), "tti>",
	    since, query->value, query->limit);
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

/* Each field of each of these events. */
#define FIELDS_OF(events)                                            \
	" FROM " events " e CROSS JOIN json_each(CASE WHEN"          \
	" json_valid(e.payload) AND json_type(e.payload) = 'object'" \
	" THEN e.payload ELSE '{}' END) j "

int
queries_has_payload_key(struct store *s, const char *key)
{
	return statement_get(s,
	    "SELECT 1" FIELDS_OF("events") "WHERE j.key = ?1"
					   " ORDER BY e.rowid DESC LIMIT 1",
	    "t>", key);
}

int
queries_each_payload_key(struct store *s,
    int (*each)(const char *key, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT DISTINCT j.key" FIELDS_OF(
		"(SELECT payload FROM events"
		" ORDER BY rowid DESC LIMIT ?1)") "ORDER BY 1",
	    "i", (int64_t)LOOKED_THROUGH);
	const char *key;
	int result;

	while ((result = statement_row(s, q, "t", &key)) == 1 &&
	    (result = each(key, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}
