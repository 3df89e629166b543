#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/ingest.h"
#include "store/note.h"
#include "store/statement.h"

#define PRIORITY_DEFAULT 5

struct sqlite3_stmt *
ingest_prepare(struct store *s)
{
	return statement_query(s,
	    "INSERT OR IGNORE INTO events (id, timestamp, source, event_type,"
	    " payload, correlation_id, priority)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING 1",
	    "");
}

static const char *
text_of(const json_t *line, const char *key)
{
	return json_string_value(json_object_get(line, key));
}

static enum ingest_result
insert(struct store *s, struct sqlite3_stmt *statement, const json_t *line,
    const char *payload)
{
	const char *timestamp = text_of(line, "timestamp");
	const json_t *priority = json_object_get(line, "priority");
	char now[CLOCK_ISO_SIZE];

	note_time(now, 0);
	if (statement_bind(s, statement, "tttttti", text_of(line, "id"),
		timestamp != NULL ? timestamp : now, text_of(line, "source"),
		text_of(line, "event_type"), payload,
		text_of(line, "correlation_id"),
		json_is_integer(priority)
		    ? (int64_t)json_integer_value(priority)
		    : (int64_t)PRIORITY_DEFAULT) < 0)
		return INGEST_FAILED;
	/* A row comes back for each one that is new. */
	switch (statement_step(s, statement)) {
	case 1: return INGEST_ADDED;
	case 0: return INGEST_REPEATED;
	default: return INGEST_FAILED;
	}
}

enum ingest_result
ingest_line(
    struct store *s, struct sqlite3_stmt *statement, const char *line, size_t n)
{
	json_t *root = json_loadb(line, n, 0, NULL);
	enum ingest_result result = INGEST_TORN;
	char *payload;

	if (text_of(root, "id") != NULL &&
	    text_of(root, "event_type") != NULL) {
		payload =
		    json_dumps(json_object_get(root, "payload"), JSON_COMPACT);
		result = insert(
		    s, statement, root, payload != NULL ? payload : "{}");
		free(payload);
	}
	json_decref(root);
	return result;
}
