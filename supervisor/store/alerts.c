#include <stdlib.h>
#include <string.h>

#include "store/alerts.h"
#include "store/note.h"
#include "store/statement.h"

#define ID_SIZE 64 /* of others, too */

/* Contexts of other programs may be anything. */
#define STANDS                                              \
	"json_valid(context)"                               \
	" AND json_extract(context, '$.cause') IS NOT NULL" \
	" AND json_extract(context, '$.cleared_at') IS NULL"
#define STANDS_FOR STANDS " AND json_extract(context, '$.cause') = ?1"

static int
stands(struct store *s, const char *cause)
{
	return statement_get(s,
	    "SELECT 1 FROM alerts WHERE " STANDS_FOR " LIMIT 1", "t>", cause);
}

static int
rank(const char *severity)
{
	static const char *const names[] = { "info", "warning", "error",
		"critical" };

	for (int i = 0; i < 4; i++)
		if (strcmp(severity, names[i]) == 0)
			return i;
	return 0;
}

/* Whether the alert says nothing new: 1; 0, with the id of the one that is to
 * be raised anew in ret_id, or ""; -1. */
static int
is_known(struct store *s, const struct alert *a, char ret_id[static ID_SIZE])
{
	char severity[16];
	int found = statement_get(s,
	    "SELECT id, severity FROM alerts WHERE " STANDS_FOR " LIMIT 1",
	    "t>ss", a->cause, ret_id, (size_t)ID_SIZE, severity,
	    sizeof(severity));

	if (found <= 0) {
		ret_id[0] = '\0';
		return found;
	}
	return rank(a->severity) <= rank(severity);
}

/* Whoever has seen the one before hasn't seen this. */
static int
raise_row(struct store *s, const struct alert *a, const char *id)
{
	return statement_run(s,
	    "UPDATE alerts SET severity = ?2, message = ?3, acknowledged = 0,"
	    " acknowledged_by = NULL, acknowledged_at = NULL,"
	    " created_at = " NOTE_NOW " WHERE id = ?1",
	    "ttt", id, a->severity, a->message);
}

static int
add_row(struct store *s, const struct alert *a, char ret_id[static ID_SIZE])
{
	return statement_get(s,
		   "INSERT INTO alerts (id, severity, alert_type, source,"
		   " message, context, created_at) VALUES"
		   " (" NOTE_ROW_ID("alerts",
		       NOTE_NEW_ID) ", ?1, ?2, ?3, ?4,"
				    " json_patch('{}', json_object('cause', "
				    "?5, 'loop_id', ?6,"
				    " 'test_id', ?7)), " NOTE_NOW
				    ") RETURNING id",
		   "ttttttt>s", a->severity, a->type, a->source, a->message,
		   a->cause, a->loop_id, a->test_id, ret_id,
		   (size_t)ID_SIZE) <= 0
	    ? -1
	    : 0;
}

/* id is of the row that stands already, or "". */
static int
add(struct store *s, const struct alert *a, const char *event,
    char id[static ID_SIZE])
{
	if ((id[0] != '\0' ? raise_row(s, a, id) : add_row(s, a, id)) < 0)
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
alerts_raise_within(
    struct store *s, const struct alert *alert, const char *event)
{
	char id[ID_SIZE];
	int known = is_known(s, alert, id);

	if (known != 0)
		return known < 0 ? -1 : 0;
	return add(s, alert, event, id) < 0 ? -1 : 1;
}

int
alerts_raise(struct store *s, const struct alert *alert, const char *event)
{
	char id[ID_SIZE];
	int known = is_known(s, alert, id);

	/* Nothing is locked as long as there is nothing to do. */
	if (known != 0)
		return known < 0 ? -1 : 0;
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, alerts_raise_within(s, alert, event));
}

int
alerts_clear_within(struct store *s, const char *source, const char *cause)
{
	int cleared = statement_change(s,
	    "UPDATE alerts SET acknowledged_by = CASE WHEN acknowledged"
	    " THEN acknowledged_by ELSE ?2 END, acknowledged_at ="
	    " CASE WHEN acknowledged THEN acknowledged_at ELSE " NOTE_NOW
	    " END,"
	    " acknowledged = 1,"
	    " context = json_set(context, '$.cleared_at', " NOTE_NOW ")"
	    " WHERE " STANDS_FOR,
	    "tt", cause, source);

	if (cleared > 0 &&
	    note_event(s, source, "alert_cleared", "t", "cause", cause) < 0)
		return -1;
	return cleared > 0 ? 1 : cleared;
}

int
alerts_clear(struct store *s, const char *source, const char *cause)
{
	int standing = stands(s, cause);

	if (standing <= 0)
		return standing;
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, alerts_clear_within(s, source, cause));
}

#define SWEPT "SELECT json_extract(context, '$.cause') FROM alerts WHERE "

/* Of a query that gives causes, and is ended here, the first one that keep()
 * doesn't want, to be freed. 1, 0 none, -1. */
static int
find_stale(struct store *s, struct sqlite3_stmt *q,
    bool (*keep)(const char *cause, void *argument), void *argument,
    char **ret_cause)
{
	int more;

	while ((more = statement_row(s, q, "m", ret_cause)) == 1 &&
	    keep(*ret_cause, argument))
		free(*ret_cause);
	statement_end(q);
	return more;
}

/* Of those that sql, with ?1 of which, gives. */
static int
sweep(struct store *s, const char *source, const char *sql, const char *which,
    bool (*keep)(const char *cause, void *argument), void *argument)
{
	char *cause;
	int found;

	while ((found = find_stale(s, statement_query(s, sql, "t", which), keep,
		    argument, &cause)) == 1) {
		found = alerts_clear(s, source, cause);
		free(cause);
		if (found < 0)
			break;
	}
	return found < 0 ? -1 : 0;
}

int
alerts_sweep(struct store *s, const char *source,
    bool (*keep)(const char *cause, void *argument), void *argument)
{
	return sweep(
	    s, source, SWEPT "source = ?1 AND " STANDS, source, keep, argument);
}

int
alerts_sweep_causes(struct store *s, const char *source, const char *prefix,
    bool (*keep)(const char *cause, void *argument), void *argument)
{
	return sweep(s, source,
	    SWEPT STANDS " AND json_extract(context, '$.cause') >= ?1"
			 " AND json_extract(context, '$.cause') < ?1 || '~'",
	    prefix, keep, argument);
}
