#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/decisions.h"
#include "store/note.h"
#include "store/parked.h"
#include "store/statement.h"

#define OPTIONS_SIZE 2048
#define OPTIONS_MAX                                   \
	(sizeof(((struct question *)NULL)->options) / \
	    sizeof(struct question_option))

/* Descriptions name paths and tests: too long ones are refused, not cut into
 * something that is no JSON. */
static int
list_options(
    struct store *s, const struct question *q, char ret[static OPTIONS_SIZE])
{
	struct buf b;

	buf_init(&b, ret, OPTIONS_SIZE);
	for (size_t i = 0; i < OPTIONS_MAX && q->options[i].id != NULL; i++) {
		buf_add(&b, i > 0 ? ",{\"id\":" : "[{\"id\":");
		buf_add_json(&b, q->options[i].id);
		buf_add(&b, ",\"description\":");
		buf_add_json(&b, q->options[i].description);
		buf_add(&b, "}");
	}
	buf_add(&b, "]");
	return b.cut ? store_refuse(s, EINVAL, "too long: %s", ret) : 0;
}

int
decisions_open(struct store *s, const struct question *q,
    char ret_id[static DECISION_ID_SIZE])
{
	char options[OPTIONS_SIZE];

	if (list_options(s, q, options) < 0 ||
	    statement_get(s,
		"INSERT INTO decisions (id, decision_type, summary, options,"
		" default_option, context, timeout_minutes, status,"
		" requested_at, requested_by) SELECT printf('DEC-%03d',"
		" ifnull(max(CAST(substr(id, 5) AS INTEGER)), 0) + 1),"
		" ?1, ?2, ?3, ?4, json_object('test_id', ?5, 'loop_id', ?6,"
		" 'subject', ?7, 'fence', ?8, 'timeout_ms', ?9, 'boot_id',"
		" ?10, 'asked_ms', ?11), (?9 + 59999) / 60000, 'pending',"
		" " NOTE_NOW ", ?12 FROM decisions WHERE id LIKE 'DEC-%'"
		" RETURNING id",
		"tttttttiitit>s", q->type, q->summary, options,
		q->default_option, q->test_id, q->loop_id, q->subject, q->fence,
		q->timeout_ms, q->boot_id, clock_ms(), q->by, ret_id,
		(size_t)DECISION_ID_SIZE) <= 0 ||
	    note_event(s, q->by, "decision_needed", "tttttt", "decision_id",
		ret_id, "decision_type", q->type, "test_id", q->test_id,
		"loop_id", q->loop_id, "summary", q->summary, "default",
		q->default_option) < 0)
		return -1;
	return q->parks && parked_begin(s, q->test_id, ret_id) < 0 ? -1 : 0;
}

/* Those of a row of decisions, whoever wrote it; and a member of one. */
#define OPTIONS                                                \
	"json_each(CASE WHEN json_valid(options) THEN options" \
	" ELSE '[]' END) o"
#define OPTION(member) "json_extract(options, o.fullkey || '." member "')"

/* Other programs may write it as people do. */
#define CHOICE                                                            \
	"ifnull((SELECT " OPTION("id") " FROM " OPTIONS " WHERE " OPTION( \
	    "id") " = choice COLLATE NOCASE LIMIT 1), choice)"

#define FIELDS                                                          \
	"SELECT id, decision_type, default_option, " CHOICE ","         \
	" ifnull(json_extract(c, '$.timeout_ms'),"                      \
	" ifnull(60000 * timeout_minutes, -1)),"                        \
	" json_extract(c, '$.test_id'), json_extract(c, '$.loop_id'),"  \
	" json_extract(c, '$.subject'), json_extract(c, '$.fence'),"    \
	" json_extract(c, '$.boot_id'), json_extract(c, '$.asked_ms')," \
	" seen_boot, seen_ms"                                           \
	" FROM (SELECT d.*, CASE WHEN json_valid(d.context)"            \
	" THEN d.context ELSE '{}' END AS c FROM decisions d) WHERE "

static int
each(struct store *s, const char *sql,
    void (*found)(const struct decision *decision, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q = statement_query(s, sql, "");
	struct decision d;
	int more, calls = 0;

	while ((more = statement_row(s, q, "ssssisssisisi", d.id, sizeof(d.id),
		    d.type, sizeof(d.type), d.default_option,
		    sizeof(d.default_option), d.choice, sizeof(d.choice),
		    &d.timeout_ms, d.test_id, sizeof(d.test_id), d.loop_id,
		    sizeof(d.loop_id), d.subject, sizeof(d.subject), &d.fence,
		    d.boot_id, sizeof(d.boot_id), &d.asked_ms, d.seen_boot,
		    sizeof(d.seen_boot), &d.seen_ms)) == 1) {
		found(&d, argument);
		calls++;
	}
	statement_end(q);
	return more < 0 ? -1 : calls;
}

int
decisions_pending(struct store *s,
    void (*found)(const struct decision *decision, void *argument),
    void *argument)
{
	return each(
	    s, FIELDS "status = 'pending' ORDER BY id", found, argument);
}

int
decisions_note_seen(
    struct store *s, const char *id, const char *boot_id, int64_t now_ms)
{
	return statement_run(s,
	    "UPDATE decisions SET seen_boot = ?2, seen_ms = ?3"
	    " WHERE id = ?1 AND status = 'pending'",
	    "tti", id, boot_id, now_ms);
}

#define IS_DUE "applied_at IS NULL AND status IN ('decided', 'auto_resolved')"

int
decisions_due(struct store *s,
    void (*found)(const struct decision *decision, void *argument),
    void *argument)
{
	return each(s, FIELDS IS_DUE " ORDER BY id", found, argument);
}

/* 1, 0 when it isn't pending any more, -1. */
static int
write_answer(struct store *s, const char *id, const char *status,
    const char *choice, const char *by, const char *comment)
{
	char test_id[ATTEMPT_TEST_SIZE];
	int changed = statement_get(s,
	    "UPDATE decisions SET status = ?2, choice = ?3, decided_by = ?4,"
	    " comment = ?5, decided_at = " NOTE_NOW
	    " WHERE id = ?1 AND status = 'pending' RETURNING"
	    " CASE WHEN json_valid(context)"
	    " THEN json_extract(context, '$.test_id') END",
	    "ttttt>s", id, status, choice, by, comment, test_id,
	    sizeof(test_id));

	if (changed <= 0)
		return changed;
	/* Without a choice there is nothing that could be done later. */
	if (choice == NULL && parked_end(s, id) < 0)
		return -1;
	if (note_event(s, by,
		strcmp(status, "decided") == 0 ? "decision_made"
					       : "decision_expired",
		"tttttt", "decision_id", id, "test_id", test_id, "choice",
		choice, "result", choice == NULL ? "closed" : NULL, "by", by,
		"comment", comment) < 0)
		return -1;
	return 1;
}

static int
refuse_again(struct store *s, const char *id)
{
	char status[32], choice[DECISION_CHOICE_SIZE], by[128];
	char at[CLOCK_ISO_SIZE];

	if (statement_get(s,
		"SELECT status, choice, decided_by, decided_at FROM decisions"
		" WHERE id = ?1",
		"t>ssss", id, status, sizeof(status), choice, sizeof(choice),
		by, sizeof(by), at, sizeof(at)) != 1)
		return -1;
	return store_refuse(s, EALREADY, "%s was already %s%s%s by %s at %s",
	    id, strcmp(status, "decided") == 0 ? "answered" : status,
	    choice[0] != '\0' ? ": " : "", choice,
	    by[0] != '\0' ? by : "somebody", at[0] != '\0' ? at : "some time");
}

static int
answer(struct store *s, const char *word, const char *choice, const char *by,
    const char *comment)
{
	char id[DECISION_ID_SIZE], option[DECISION_CHOICE_SIZE], all[512];
	bool is_pending;
	int found = statement_get(s,
	    "SELECT id, status = 'pending', (SELECT " OPTION(
		"id") " FROM " OPTIONS
		      " WHERE " OPTION(
			  "id") " = ?2 COLLATE NOCASE),"
				" (SELECT group_concat(" OPTION(
				    "id") " || ' (' ||"
					  " " OPTION(
					      "description") " || ')', ', ') "
							     "FROM " OPTIONS ")"
							     " FROM decisions "
							     "WHERE id = ?1 "
							     "COLLATE NOCASE",
	    "tt>sbss", word, choice, id, sizeof(id), &is_pending, option,
	    sizeof(option), all, sizeof(all));

	if (found <= 0)
		return found < 0
		    ? -1
		    : store_refuse(s, ENOENT, "there is no decision %s", word);
	if (!is_pending)
		return refuse_again(s, id);
	if (option[0] == '\0')
		return store_refuse(s, EINVAL, "%s has no option %s%s%s", id,
		    choice, all[0] != '\0' ? ", but " : "", all);
	return write_answer(s, id, "decided", option, by, comment) == 1 ? 0
									: -1;
}

int
decisions_answer(struct store *s, const char *id, const char *choice,
    const char *by, const char *comment)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, answer(s, id, choice, by, comment));
}

/* For WHERE. */
#define IS_OF_OTHERS                                \
	"ifnull(CASE WHEN json_valid(context)"      \
	" THEN json_extract(context, '$.asked_ms')" \
	" END, 0) = 0"

int
decisions_of_others(struct store *s, const char *id, char *ret_by, size_t size)
{
	return statement_get(s,
	    "SELECT requested_by FROM decisions WHERE id = ?1"
	    " AND " IS_OF_OTHERS,
	    "t>s", id, ret_by, size);
}

int
decisions_expire_within(struct store *s, const char *id, const char *by)
{
	char choice[DECISION_CHOICE_SIZE];
	int found = statement_get(s,
	    "SELECT default_option FROM decisions WHERE id = ?1", "t>s", id,
	    choice, sizeof(choice));

	if (found <= 0)
		return found;
	return write_answer(s, id,
	    choice[0] != '\0' ? "auto_resolved" : "expired",
	    choice[0] != '\0' ? choice : NULL, by, NULL);
}

int
decisions_expire(struct store *s, const char *id, const char *by)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, decisions_expire_within(s, id, by));
}

/* 1 one, 0 none, -1. */
static int
find_settled(struct store *s, const char *type, const char *statuses,
    char ret_id[static DECISION_ID_SIZE])
{
	return statement_get(s,
	    "SELECT id FROM decisions d WHERE status = 'pending'"
	    " AND decision_type = ?1 AND NOT " IS_OF_OTHERS
	    " AND NOT EXISTS (SELECT 1 FROM tests t"
	    " WHERE t.id = json_extract(d.context, '$.test_id')"
	    " AND t.status IN (SELECT value FROM json_each(?2))) LIMIT 1",
	    "tt>s", type, statuses, ret_id, (size_t)DECISION_ID_SIZE);
}

int
decisions_settle(
    struct store *s, const char *type, const char *statuses, const char *by)
{
	char id[DECISION_ID_SIZE];
	int found = find_settled(s, type, statuses, id), settled = 0;

	/* Nothing is locked as long as there is nothing to do. */
	if (found <= 0)
		return found;
	if (note_begin(s) < 0)
		return -1;
	while ((found = find_settled(s, type, statuses, id)) == 1) {
		found = write_answer(s, id, "expired", NULL, by,
		    "its test was settled otherwise");
		if (found <= 0)
			break;
		settled++;
	}
	return store_end(s, found < 0 ? -1 : settled);
}

#define IS_ABOUT                                     \
	"status = 'pending' AND json_valid(context)" \
	" AND json_extract(context, '$.' || ?1) = ?2"

int
decisions_withdraw_within(struct store *s, const char *member,
    const char *value, const char *by, const char *why)
{
	if (statement_run(s,
		"INSERT INTO events"
		" (id, timestamp, source, event_type, payload)"
		" SELECT " NOTE_NEW_ID ", " NOTE_NOW ", ?3,"
		" 'decision_expired', json_patch(json_object('decision_id', id,"
		" 'result', 'closed', 'by', ?3, 'comment', ?4),"
		" json_object('test_id', json_extract(context, '$.test_id')))"
		" FROM decisions WHERE " IS_ABOUT,
		"tttt", member, value, by, why) < 0)
		return -1;
	return statement_run(s,
	    "UPDATE decisions SET status = 'expired', decided_by = ?3,"
	    " comment = ?4, decided_at = " NOTE_NOW " WHERE " IS_ABOUT,
	    "tttt", member, value, by, why);
}

static int
apply(struct store *s, const struct decision *d, decisions_effect *effect,
    const char *by)
{
	int done = statement_change(s,
	    "UPDATE decisions SET applied_at = " NOTE_NOW
	    " WHERE id = ?1 AND " IS_DUE,
	    "t", d->id);

	if (done <= 0)
		return done;
	done = effect != NULL ? effect(s, d, by) : 0;
	/* By what is parked the effect knows that the answer is still wanted.
	 */
	return done < 0 || parked_end(s, d->id) < 0 ? -1 : done;
}

int
decisions_apply(struct store *s, const struct decision *decision,
    decisions_effect *effect, const char *by)
{
	return note_begin(s) < 0 ? -1
				 : store_end(s, apply(s, decision, effect, by));
}
