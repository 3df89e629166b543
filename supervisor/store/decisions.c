#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "store/claims.h"
#include "store/decisions.h"
#include "store/note.h"
#include "store/statement.h"

#define BLOCKED "test_blocked"

static int
next_id(struct store *s, char id[static DECISION_ID_SIZE])
{
	return statement_text_of(s, id, DECISION_ID_SIZE,
		   "SELECT printf('DEC-%03d',"
		   " ifnull(max(CAST(substr(id, 5) AS INTEGER)), 0) + 1)"
		   " FROM decisions WHERE id LIKE 'DEC-%'",
		   "") == 1
	    ? 0
	    : -1;
}

struct blocked {
	char test_id[ATTEMPT_TEST_SIZE];
	char loop_id[TEXT_NAME_MAX + 1];
	char reason[512];
	int64_t fence;
};

/* A blocked test that nobody has been asked about since it was blocked.
 * 1 one, 0 none, -1. */
static int
find_blocked(struct store *s, struct blocked *ret)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, loop_id, reason, last FROM (SELECT t.id, t.loop_id,"
	    " t.reason, ifnull((SELECT max(a.fence) FROM attempts a"
	    " WHERE a.test_id = t.id), 0) AS last FROM tests t"
	    " WHERE t.status = 'blocked') b WHERE NOT EXISTS (SELECT 1"
	    " FROM decisions d WHERE d.decision_type = '" BLOCKED "'"
	    " AND json_valid(d.context)"
	    " AND json_extract(d.context, '$.test_id') = b.id"
	    " AND json_extract(d.context, '$.fence') = b.last)"
	    " ORDER BY id LIMIT 1",
	    "");
	int found = statement_step(s, q);

	if (found == 1) {
		(void)snprintf(ret->test_id, sizeof(ret->test_id), "%s",
		    statement_text(q, 0));
		(void)snprintf(ret->loop_id, sizeof(ret->loop_id), "%s",
		    statement_text(q, 1));
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s",
		    statement_text(q, 2));
		ret->fence = statement_int(q, 3);
	}
	statement_end(q);
	return found;
}

static int
open_one(struct store *s, const struct blocked *b, const char *by,
    int64_t timeout_ms, const char *boot_id)
{
	char id[DECISION_ID_SIZE], now[CLOCK_ISO_SIZE], summary[704];

	(void)snprintf(summary, sizeof(summary), "%s is blocked: %s",
	    b->test_id, b->reason[0] != '\0' ? b->reason : "no reason given");
	note_time(now, 0);
	if (next_id(s, id) < 0 ||
	    statement_run(s,
		"INSERT INTO decisions (id, decision_type, summary, options,"
		" default_option, context, timeout_minutes, status,"
		" requested_at, requested_by) VALUES (?1, '" BLOCKED "', ?2,"
		" json_array("
		" json_object('id', '" DECISION_RETRY "', 'description',"
		" 'retry with fresh attempts'),"
		" json_object('id', '" DECISION_SKIP "', 'description',"
		" 'skip it'),"
		" json_object('id', '" DECISION_LEAVE "', 'description',"
		" 'leave it blocked')),"
		" '" DECISION_LEAVE "', json_object('test_id', ?3, 'loop_id',"
		" ?4, 'fence', ?5, 'timeout_ms', ?6, 'boot_id', ?7,"
		" 'asked_ms', ?8), ?9, 'pending', ?10, ?11)",
		"ttttiitiitt", id, summary, b->test_id, b->loop_id, b->fence,
		timeout_ms, boot_id, clock_ms(), (timeout_ms + 59999) / 60000,
		now, by) < 0)
		return -1;
	return note_event(s, by, "decision_needed", "ttttt", "decision_id", id,
	    "test_id", b->test_id, "loop_id", b->loop_id, "summary", summary,
	    "default", DECISION_LEAVE);
}

int
decisions_open_blocked(
    struct store *s, const char *by, int64_t timeout_ms, const char *boot_id)
{
	struct blocked blocked;
	int found, opened = 0;

	/* Nothing is locked as long as there is nothing to do. */
	found = find_blocked(s, &blocked);
	if (found <= 0)
		return found;
	if (note_begin(s) < 0)
		return -1;
	while ((found = find_blocked(s, &blocked)) == 1) {
		if (open_one(s, &blocked, by, timeout_ms, boot_id) < 0) {
			found = -1;
			break;
		}
		opened++;
	}
	if (found < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s) < 0 ? -1 : opened;
}

static void
copy_column(char *ret, size_t size, struct sqlite3_stmt *q, int column)
{
	(void)snprintf(ret, size, "%s", statement_text(q, column));
}

static struct decision
read_decision(struct sqlite3_stmt *q)
{
	struct decision d = { .timeout_ms = statement_int(q, 4) };

	copy_column(d.id, sizeof(d.id), q, 0);
	copy_column(d.type, sizeof(d.type), q, 1);
	copy_column(d.default_option, sizeof(d.default_option), q, 2);
	copy_column(d.choice, sizeof(d.choice), q, 3);
	copy_column(d.test_id, sizeof(d.test_id), q, 5);
	d.fence = statement_int(q, 6);
	if (!statement_is_null(q, 7))
		d.timeout_ms = statement_int(q, 7);
	copy_column(d.boot_id, sizeof(d.boot_id), q, 8);
	d.asked_ms = statement_int(q, 9);
	return d;
}

#define FIELDS                                                               \
	"SELECT id, decision_type, default_option, choice, timeout_ms,"      \
	" json_extract(c, '$.test_id') AS test,"                             \
	" json_extract(c, '$.fence') AS fence,"                              \
	" json_extract(c, '$.timeout_ms'), json_extract(c, '$.boot_id'),"    \
	" json_extract(c, '$.asked_ms') FROM (SELECT d.id, d.status,"        \
	" d.decision_type, d.default_option, d.choice,"                      \
	" 60000 * ifnull(d.timeout_minutes, 60) AS timeout_ms,"              \
	" CASE WHEN json_valid(d.context) THEN d.context ELSE '{}' END AS c" \
	" FROM decisions d) "

int
decisions_each(struct store *s, bool pending,
    void (*found)(const struct decision *decision, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    pending ? FIELDS "WHERE status = 'pending' ORDER BY id"
		    : FIELDS
		"WHERE status IN ('decided', 'auto_resolved')"
		" AND decision_type = '" BLOCKED "'"
		" AND choice IN ('" DECISION_RETRY "', '" DECISION_SKIP "')"
		" AND EXISTS (SELECT 1 FROM tests t WHERE t.id = test"
		" AND t.status = 'blocked') AND fence = (SELECT"
		" ifnull(max(a.fence), 0) FROM attempts a"
		" WHERE a.test_id = test) ORDER BY id",
	    "");
	int more, calls = 0;

	while ((more = statement_step(s, q)) == 1) {
		struct decision d = read_decision(q);

		found(&d, argument);
		calls++;
	}
	statement_end(q);
	return more < 0 ? -1 : calls;
}

/* The option's id as it is written in the decision. 1, 0 no such, -1. */
static int
find_option(struct store *s, const char *id, const char *choice,
    char ret[static DECISION_CHOICE_SIZE])
{
	return statement_text_of(s, ret, DECISION_CHOICE_SIZE,
	    "SELECT json_extract(o.value, '$.id') FROM decisions d,"
	    " json_each(CASE WHEN json_valid(d.options) THEN d.options"
	    " ELSE '[]' END) o WHERE d.id = ?1"
	    " AND json_extract(o.value, '$.id') = ?2 COLLATE NOCASE",
	    "tt", id, choice);
}

static int
refuse(char *error, size_t size, int code, const char *text)
{
	if (error != NULL)
		(void)snprintf(error, size, "%s", text);
	errno = code;
	return -1;
}

/* An answer to one that isn't pending any more. */
static int
answer_again(const char *id, const char *status, const char *earlier,
    const char *choice, char *error, size_t size)
{
	char text[256];

	if (strcasecmp(earlier, choice) == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "%s was already %s%s%s", id,
	    strcmp(status, "decided") == 0 ? "answered" : status,
	    earlier[0] != '\0' ? ": " : "", earlier);
	return refuse(error, size, EALREADY, text);
}

static int
write_answer(struct store *s, const char *id, const char *status,
    const char *choice, const char *by, const char *comment)
{
	char now[CLOCK_ISO_SIZE], test_id[ATTEMPT_TEST_SIZE] = "";
	int changed;

	note_time(now, 0);
	changed = statement_run(s,
	    "UPDATE decisions SET status = ?2, choice = ?3, decided_by = ?4,"
	    " comment = ?5, decided_at = ?6"
	    " WHERE id = ?1 AND status = 'pending'",
	    "tttttt", id, status, choice, by, comment, now);
	if (changed <= 0)
		return changed;
	if (statement_text_of(s, test_id, sizeof(test_id),
		"SELECT json_extract(context, '$.test_id') FROM decisions"
		" WHERE id = ?1 AND json_valid(context)",
		"t", id) < 0)
		return -1;
	if (note_event(s, by,
		strcmp(status, "decided") == 0 ? "decision_made"
					       : "decision_expired",
		"ttttt", "decision_id", id, "test_id", test_id, "choice",
		choice, "by", by, "comment", comment) < 0)
		return -1;
	return 1;
}

static int
answer(struct store *s, const char *id, const char *choice, const char *by,
    const char *comment, char *error, size_t size)
{
	char exact[DECISION_ID_SIZE], option[DECISION_CHOICE_SIZE];
	char status[32] = "", earlier[DECISION_CHOICE_SIZE] = "", text[256];
	int found = statement_text_of(s, exact, sizeof(exact),
	    "SELECT id FROM decisions WHERE id = ?1 COLLATE NOCASE", "t", id);

	if (found == 0) {
		(void)snprintf(
		    text, sizeof(text), "there is no decision %s", id);
		return refuse(error, size, ENOENT, text);
	}
	if (found < 0 ||
	    statement_text_of(s, status, sizeof(status),
		"SELECT status FROM decisions WHERE id = ?1", "t", exact) < 0 ||
	    statement_text_of(s, earlier, sizeof(earlier),
		"SELECT choice FROM decisions WHERE id = ?1", "t", exact) < 0)
		return -1;
	if (strcmp(status, "pending") != 0)
		return answer_again(
		    exact, status, earlier, choice, error, size);
	found = find_option(s, exact, choice, option);
	if (found == 0) {
		(void)snprintf(
		    text, sizeof(text), "%s has no option %s", exact, choice);
		return refuse(error, size, EINVAL, text);
	}
	if (found < 0)
		return -1;
	return write_answer(s, exact, "decided", option, by, comment);
}

int
decisions_answer(struct store *s, const char *id, const char *choice,
    const char *by, const char *comment, char *error, size_t error_size)
{
	int result;

	if (error != NULL)
		error[0] = '\0';
	if (note_begin(s) < 0)
		result = -1;
	else if ((result = answer(
		      s, id, choice, by, comment, error, error_size)) < 0)
		store_rollback(s);
	else if (store_commit(s) < 0)
		result = -1;
	if (result < 0 && error != NULL && error[0] == '\0')
		(void)snprintf(error, error_size, "%s", store_error(s));
	return result;
}

int
decisions_expire(struct store *s, const char *id, const char *by)
{
	char choice[DECISION_CHOICE_SIZE] = "";
	int result;

	if (note_begin(s) < 0)
		return -1;
	result = statement_text_of(s, choice, sizeof(choice),
	    "SELECT default_option FROM decisions WHERE id = ?1", "t", id);
	if (result == 1)
		result = write_answer(s, id,
		    choice[0] != '\0' ? "auto_resolved" : "expired",
		    choice[0] != '\0' ? choice : NULL, by, NULL);
	if (result < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s) < 0 ? -1 : result;
}

/* Whether the test is still blocked by the attempt that was asked about. */
static int
is_current(struct store *s, const struct decision *d)
{
	int64_t one;

	return statement_int_of(s, &one,
	    "SELECT 1 FROM tests WHERE id = ?1 AND status = 'blocked'"
	    " AND ?2 = (SELECT ifnull(max(fence), 0) FROM attempts"
	    " WHERE test_id = ?1)",
	    "ti", d->test_id, d->fence);
}

int
decisions_apply(
    struct store *s, const struct decision *decision, const char *by)
{
	char reason[DECISION_ID_SIZE + DECISION_CHOICE_SIZE + 16];
	int result;

	(void)snprintf(reason, sizeof(reason), "decision %s: %s", decision->id,
	    decision->choice);
	if (note_begin(s) < 0)
		return -1;
	result = is_current(s, decision);
	if (result == 1 && strcmp(decision->choice, DECISION_RETRY) == 0)
		result = claims_reset_within(s, decision->test_id, by, reason);
	else if (result == 1 && strcmp(decision->choice, DECISION_SKIP) == 0)
		result = claims_skip_within(s, decision->test_id, by, reason);
	else if (result == 1)
		result = 0;
	if (result < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s) < 0 ? -1 : result;
}
