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
	return statement_get(s,
	    "SELECT id, loop_id, reason, last FROM (SELECT t.id, t.loop_id,"
	    " t.reason, ifnull((SELECT max(a.fence) FROM attempts a"
	    " WHERE a.test_id = t.id), 0) AS last FROM tests t"
	    " WHERE t.status = 'blocked') b WHERE NOT EXISTS (SELECT 1"
	    " FROM decisions d WHERE d.decision_type = '" BLOCKED "'"
	    " AND json_valid(d.context)"
	    " AND json_extract(d.context, '$.test_id') = b.id"
	    " AND json_extract(d.context, '$.fence') = b.last)"
	    " ORDER BY id LIMIT 1",
	    ">sssi", ret->test_id, sizeof(ret->test_id), ret->loop_id,
	    sizeof(ret->loop_id), ret->reason, sizeof(ret->reason),
	    &ret->fence);
}

static int
open_one(struct store *s, const struct blocked *b, const char *by,
    int64_t timeout_ms, const char *boot_id)
{
	char id[DECISION_ID_SIZE], summary[704];

	(void)snprintf(summary, sizeof(summary), "%s is blocked: %s",
	    b->test_id, b->reason[0] != '\0' ? b->reason : "no reason given");
	if (statement_get(s,
		"INSERT INTO decisions (id, decision_type, summary, options,"
		" default_option, context, timeout_minutes, status,"
		" requested_at, requested_by) SELECT printf('DEC-%03d',"
		" ifnull(max(CAST(substr(id, 5) AS INTEGER)), 0) + 1),"
		" '" BLOCKED "', ?1, json_array("
		" json_object('id', '" DECISION_RETRY "', 'description',"
		" 'retry with fresh attempts'),"
		" json_object('id', '" DECISION_SKIP "', 'description',"
		" 'skip it'),"
		" json_object('id', '" DECISION_LEAVE "', 'description',"
		" 'leave it blocked')), '" DECISION_LEAVE "',"
		" json_object('test_id', ?2, 'loop_id', ?3, 'fence', ?4,"
		" 'timeout_ms', ?5, 'boot_id', ?6, 'asked_ms', ?7),"
		" (?5 + 59999) / 60000, 'pending', " NOTE_NOW ", ?8"
		" FROM decisions WHERE id LIKE 'DEC-%' RETURNING id",
		"tttiitit>s", summary, b->test_id, b->loop_id, b->fence,
		timeout_ms, boot_id, clock_ms(), by, id, sizeof(id)) <= 0)
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
		found = open_one(s, &blocked, by, timeout_ms, boot_id);
		if (found < 0)
			break;
		opened++;
	}
	return store_end(s, found < 0 ? -1 : opened);
}

#define FIELDS                                                                \
	"SELECT id, decision_type, default_option, choice,"                   \
	" ifnull(json_extract(c, '$.timeout_ms'),"                            \
	" 60000 * ifnull(timeout_minutes, 60)),"                              \
	" json_extract(c, '$.test_id') AS test,"                              \
	" json_extract(c, '$.fence') AS fence, json_extract(c, '$.boot_id')," \
	" json_extract(c, '$.asked_ms') FROM (SELECT d.*,"                    \
	" CASE WHEN json_valid(d.context) THEN d.context ELSE '{}' END AS c"  \
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
	struct decision d;
	int more, calls = 0;

	while ((more = statement_row(s, q, "ssssisisi", d.id, sizeof(d.id),
		    d.type, sizeof(d.type), d.default_option,
		    sizeof(d.default_option), d.choice, sizeof(d.choice),
		    &d.timeout_ms, d.test_id, sizeof(d.test_id), &d.fence,
		    d.boot_id, sizeof(d.boot_id), &d.asked_ms)) == 1) {
		found(&d, argument);
		calls++;
	}
	statement_end(q);
	return more < 0 ? -1 : calls;
}

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
	if (note_event(s, by,
		strcmp(status, "decided") == 0 ? "decision_made"
					       : "decision_expired",
		"ttttt", "decision_id", id, "test_id", test_id, "choice",
		choice, "by", by, "comment", comment) < 0)
		return -1;
	return 1;
}

static int
answer(struct store *s, const char *word, const char *choice, const char *by,
    const char *comment)
{
	char id[DECISION_ID_SIZE], option[DECISION_CHOICE_SIZE];
	char status[32], earlier[DECISION_CHOICE_SIZE];
	int found = statement_get(s,
	    "SELECT id, status, choice, (SELECT"
	    " json_extract(options, o.fullkey || '.id') AS option"
	    " FROM json_each(CASE WHEN json_valid(options) THEN options"
	    " ELSE '[]' END) o WHERE option = ?2 COLLATE NOCASE)"
	    " FROM decisions WHERE id = ?1 COLLATE NOCASE",
	    "tt>ssss", word, choice, id, sizeof(id), status, sizeof(status),
	    earlier, sizeof(earlier), option, sizeof(option));

	if (found <= 0)
		return found < 0
		    ? -1
		    : store_refuse(s, ENOENT, "there is no decision %s", word);
	if (strcmp(status, "pending") == 0)
		return option[0] != '\0'
		    ? write_answer(s, id, "decided", option, by, comment)
		    : store_refuse(
			  s, EINVAL, "%s has no option %s", id, choice);
	if (strcasecmp(earlier, choice) == 0)
		return 0;
	return store_refuse(s, EALREADY, "%s was already %s%s%s", id,
	    strcmp(status, "decided") == 0 ? "answered" : status,
	    earlier[0] != '\0' ? ": " : "", earlier);
}

int
decisions_answer(struct store *s, const char *id, const char *choice,
    const char *by, const char *comment)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, answer(s, id, choice, by, comment));
}

int
decisions_expire(struct store *s, const char *id, const char *by)
{
	char choice[DECISION_CHOICE_SIZE];
	int result;

	if (note_begin(s) < 0)
		return -1;
	result = statement_get(s,
	    "SELECT default_option FROM decisions WHERE id = ?1", "t>s", id,
	    choice, sizeof(choice));
	if (result == 1)
		result = write_answer(s, id,
		    choice[0] != '\0' ? "auto_resolved" : "expired",
		    choice[0] != '\0' ? choice : NULL, by, NULL);
	return store_end(s, result);
}

/* Whether the test is still blocked by the attempt that was asked about. */
static int
is_current(struct store *s, const struct decision *d)
{
	return statement_get(s,
	    "SELECT 1 FROM tests WHERE id = ?1 AND status = 'blocked'"
	    " AND ?2 = (SELECT ifnull(max(fence), 0) FROM attempts"
	    " WHERE test_id = ?1)",
	    "ti>", d->test_id, d->fence);
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
	return store_end(s, result);
}
