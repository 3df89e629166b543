#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "store/attempts.h"
#include "store/claims.h"
#include "store/note.h"
#include "store/passing.h"
#include "store/rollbacks.h"
#include "store/statement.h"

#define REASON "rolled back"

/* Of one text as JSON, at the worst. */
#define JSON_MAX (6 * ATTEMPT_TEST_SIZE + 3)

int
rollbacks_is_passing(struct store *s, const char *test_id, const char *commit)
{
	return statement_get(s,
	    "SELECT 1 FROM passing_tests"
	    " WHERE test_id = ?1 AND commit_hash = ?2",
	    "tt>", test_id, commit);
}

/* Back into the queue. 1, 0 it isn't there or is skipped, -1. */
static int
reset(struct store *s, const char *test_id, const char *commit, const char *by)
{
	int found = statement_get(s,
	    "SELECT 1 FROM tests WHERE id = ?1 AND status <> 'skipped'", "t>",
	    test_id);

	if (found <= 0)
		return found;
	if (claims_reset_within(s, test_id, by, REASON) < 0)
		return -1;
	return statement_change(s,
	    "UPDATE tests SET reason = '" REASON "', evidence = (SELECT"
	    " 'This was done before, as commit ' || substr(?2, 1, 12)"
	    " || ', and rolled back: ' || g.test_id || ' fails with it, and"
	    " has to pass, too: ' || ifnull(o.verify, '') || char(10)"
	    " || 'It says:' || char(10) || ifnull(g.output, '')"
	    " FROM regressions g LEFT JOIN tests o ON o.id = g.test_id"
	    " WHERE g.first_bad_commit = ?2 AND g.status = 'open'"
	    " ORDER BY g.detected_at LIMIT 1) WHERE id = ?1",
	    "tt", test_id, commit);
}

/* A member of every row as a JSON array, to be freed; NULL with ENOMEM. */
static char *
list(const struct rollback *r, bool tests)
{
	size_t size = r->nrows * JSON_MAX + 3;
	char *text = malloc(size);
	struct buf b;

	if (text == NULL)
		return NULL;
	buf_init(&b, text, size);
	buf_add(&b, "[");
	for (size_t i = 0; i < r->nrows; i++) {
		buf_add(&b, i == 0 ? "" : ",");
		buf_add_json(
		    &b, tests ? r->rows[i].test_id : r->rows[i].commit);
	}
	buf_add(&b, "]");
	return text;
}

static int
tell(struct store *s, const struct rollback *r)
{
	char *tests = list(r, true), *commits = list(r, false);
	int result;

	if (tests == NULL || commits == NULL)
		result = store_refuse(s, ENOMEM, "out of memory");
	else
		result = statement_run(s,
		    "INSERT INTO events"
		    " (id, timestamp, source, event_type, payload)"
		    " VALUES (" NOTE_NEW_ID ", " NOTE_NOW ", ?2,"
		    " 'rollback_triggered', json_patch(json_object("
		    "'loop_id', ?1, 'by', ?2, 'tests', json(?3), 'commits',"
		    " json(?4)), json_object('git_ref', ?5, 'test_id',"
		    " nullif(?6, ''))))",
		    "tttttt", r->loop_id, r->by, tests, commits, r->git_ref,
		    r->test_id);
	free(tests);
	free(commits);
	return result;
}

static int
write_rows(struct store *s, const struct rollback *r,
    int (*move)(void *argument), void *argument)
{
	int n = 0;

	for (size_t i = 0; i < r->nrows; i++) {
		const struct rollback_row *row = &r->rows[i];
		int changed =
		    row->reset ? reset(s, row->test_id, row->commit, r->by) : 0;

		if (changed < 0 ||
		    statement_run(s,
			"DELETE FROM passing_tests WHERE test_id = ?1"
			" AND (?3 OR commit_hash = ?2)",
			"tti", row->test_id, row->commit,
			(int64_t)row->reset) < 0)
			return -1;
		n += changed;
	}
	if (tell(s, r) < 0)
		return -1;
	return move != NULL && move(argument) != 0 ? -1 : n;
}

int
rollbacks_write(struct store *s, const struct rollback *r,
    int (*move)(void *argument), void *argument)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, write_rows(s, r, move, argument));
}

int
rollbacks_has_passed(struct store *s, const char *test_id)
{
	return statement_get(s,
	    "SELECT 1 FROM tests WHERE id = ?1 AND status = 'passed'", "t>",
	    test_id);
}

/* Whoever has removed the test meanwhile doesn't want it. */
static int
pass_again(struct store *s, const struct rollback_undo *u)
{
	int found = rollbacks_has_passed(s, u->test_id);

	if (found > 0)
		return store_refuse(s, EEXIST,
		    "%s has passed anew since it was rolled back", u->test_id);
	if (found == 0)
		found = statement_get(
		    s, "SELECT 1 FROM tests WHERE id = ?1", "t>", u->test_id);
	if (found <= 0)
		return found;
	if (claims_reset_within(
		s, u->test_id, u->by, "its rollback is undone") < 0 ||
	    passing_add_within(s, u->test_id, u->commit) < 0)
		return -1;
	return statement_run(s,
	    "UPDATE tests SET status = 'passed', passed_at = " NOTE_NOW ","
	    " verified_at = " NOTE_NOW ", verified_commit = ?2,"
	    " last_result = 'passed', evidence = NULL WHERE id = ?1",
	    "tt", u->test_id, u->tip);
}

static int
write_undo(struct store *s, const struct rollback_undo *u,
    int (*move)(void *argument), void *argument)
{
	if ((u->test_id[0] != '\0' && pass_again(s, u) < 0) ||
	    note_event(s, u->by, "rollback_undone", "tttt", "loop_id",
		u->loop_id, "test_id", u->test_id, "commit", u->commit, "by",
		u->by) < 0)
		return -1;
	return move(argument) != 0 ? -1 : 0;
}

int
rollbacks_undo(struct store *s, const struct rollback_undo *u,
    int (*move)(void *argument), void *argument)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, write_undo(s, u, move, argument));
}
