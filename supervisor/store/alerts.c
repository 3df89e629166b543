#include "store/alerts.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "store/note.h"
#include "store/statement.h"

/* Contexts of other programs may be anything. */
#define STANDS                                              \
	"json_valid(context)"                               \
	" AND json_extract(context, '$.cause') IS NOT NULL" \
	" AND json_extract(context, '$.cleared_at') IS NULL"
#define STANDS_FOR STANDS " AND json_extract(context, '$.cause') = ?1"

static int
stands(struct store *s, const char *cause)
{
	int64_t one;

	return statement_int_of(s, &one,
	    "SELECT 1 FROM alerts WHERE " STANDS_FOR " LIMIT 1", "t", cause);
}

static int
add(struct store *s, const struct alert *a, const char *event)
{
	char id[UUID_SIZE], now[CLOCK_ISO_SIZE];

	uuid_new(id);
	note_time(now, 0);
	if (statement_run(s,
		"INSERT INTO alerts (id, severity, alert_type, source, message,"
		" context, created_at) VALUES (?1, ?2, ?3, ?4, ?5,"
		" json_patch('{}', json_object('cause', ?6, 'loop_id', ?7,"
		" 'test_id', ?8)), ?9)",
		"ttttttttt", id, a->severity, a->type, a->source, a->message,
		a->cause, a->loop_id, a->test_id, now) < 0)
		return -1;
	if (event != NULL &&
	    note_event(s, a->source, event, "tttt", "loop_id", a->loop_id,
		"test_id", a->test_id, "cause", a->cause, "message",
		a->message) < 0)
		return -1;
	return note_event(s, a->source, "alert_raised", "tttttt", "alert_id",
	    id, "severity", a->severity, "type", a->type, "message", a->message,
	    "loop_id", a->loop_id, "test_id", a->test_id);
}

int
alerts_raise(struct store *s, const struct alert *alert, const char *event)
{
	int standing = stands(s, alert->cause);

	/* Nothing is locked as long as there is nothing to do. */
	if (standing != 0)
		return standing < 0 ? -1 : 0;
	if (note_begin(s) < 0)
		return -1;
	standing = stands(s, alert->cause);
	if (standing < 0 || (standing == 0 && add(s, alert, event) < 0)) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s) < 0 ? -1 : standing == 0;
}

static int
clear(struct store *s, const char *source, const char *cause)
{
	char now[CLOCK_ISO_SIZE];
	int cleared;

	note_time(now, 0);
	cleared = statement_run(s,
	    "UPDATE alerts SET acknowledged_by = CASE WHEN acknowledged"
	    " THEN acknowledged_by ELSE ?2 END, acknowledged_at ="
	    " CASE WHEN acknowledged THEN acknowledged_at ELSE ?3 END,"
	    " acknowledged = 1,"
	    " context = json_set(context, '$.cleared_at', ?3)"
	    " WHERE " STANDS_FOR,
	    "ttt", cause, source, now);
	if (cleared > 0 &&
	    note_event(s, source, "alert_cleared", "t", "cause", cause) < 0)
		return -1;
	return cleared;
}

int
alerts_clear(struct store *s, const char *source, const char *cause)
{
	int cleared = stands(s, cause);

	if (cleared <= 0)
		return cleared;
	if (note_begin(s) < 0)
		return -1;
	cleared = clear(s, source, cause);
	if (cleared < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s) < 0 ? -1 : cleared > 0;
}

int
alerts_each_standing(struct store *s, const char *source,
    void (*found)(const char *cause, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT json_extract(context, '$.cause') FROM alerts"
	    " WHERE source = ?1 AND " STANDS " ORDER BY created_at",
	    "t", source);
	int more;

	while ((more = statement_step(s, q)) == 1)
		found(statement_text(q, 0), argument);
	statement_end(q);
	return more;
}
