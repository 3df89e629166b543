#include <stdio.h>

#include "base/path.h"
#include "base/text.h"
#include "store/alerts.h"
#include "store/attempts.h"
#include "store/decisions.h"
#include "store/note.h"
#include "store/passing.h"
#include "store/regressions.h"
#include "store/statement.h"

int
regressions_confirm(struct store *s, const char *test_id)
{
	return statement_run(s,
	    "UPDATE regressions SET checked_at = " NOTE_NOW
	    ", confirmed = ifnull(confirmed, 0) + 1"
	    " WHERE test_id = ?1 AND status = 'open'",
	    "t", test_id);
}

static const char *
cause_of(const struct regression *r)
{
	return r->is_outside ? "outside"
	    : r->enough > 0  ? "sometimes"
			     : "commit";
}

/* Inside a transaction. The new row: 1, 0 none, -1. */
static int
add_row(struct store *s, const struct regression *r, char *id, size_t id_size,
    char *transcript, size_t size)
{
	return statement_get(s,
	    "INSERT INTO regressions (test_id, loop_id, failing_commit,"
	    " last_good_commit, cause, transcript, first_bad_commit,"
	    " blamed_commits, blamed_loop, blamed_test, blamed_attempt,"
	    " blamed_transcript, blamed_author, blamed_subject,"
	    " blamed_revert, output, enough) SELECT id, ?2, ?3, nullif(?4, "
	    "''), ?5,"
	    " ?6, nullif(?7, ''), ?8, nullif(?9, ''), nullif(?10, ''),"
	    " nullif(?11, ''), (SELECT transcript FROM attempts"
	    " WHERE id = ?11), nullif(?12, ''), nullif(?13, ''), ?14, ?15, ?16"
	    " FROM tests t WHERE id = ?1 AND status = 'passed' AND (?17 IS NULL"
	    " OR ifnull(" PASSING_COMMIT ", '') = ?17) AND NOT EXISTS"
	    " (SELECT 1 FROM regressions WHERE test_id = ?1"
	    " AND status = 'open') RETURNING id, blamed_transcript",
	    "tttttttitttttitit>ss", r->test_id, r->loop_id, r->commit,
	    r->last_good, cause_of(r), r->transcript, r->first_bad, r->ncommits,
	    r->blamed_loop, r->blamed_test, r->blamed_attempt, r->author,
	    r->subject, (int64_t)r->is_revert, r->output, (int64_t)r->enough,
	    r->passed_on, id, id_size, transcript, size);
}

static int
add(struct store *s, const char *source, const struct regression *r)
{
	char id[UUID_SIZE], transcript[PATH_SIZE];
	int added =
	    add_row(s, r, id, sizeof(id), transcript, sizeof(transcript));

	if (added <= 0)
		return added;
	/* Not `attempt`: that is an attempt of test_id, and a number. */
	if (note_event(s, source, "regression_detected", "tttttttttttttt",
		"test_id", r->test_id, "loop_id", r->loop_id, "regression_id",
		id, "failing_commit", r->commit, "last_good_commit",
		r->last_good, "first_bad_commit", r->first_bad, "cause",
		cause_of(r), "transcript", r->transcript, "blamed_loop",
		r->blamed_loop, "blamed_test", r->blamed_test, "blamed_attempt",
		r->blamed_attempt, "blamed_transcript", transcript,
		"blamed_author", r->author, "blamed_subject", r->subject) < 0)
		return -1;
	return 1;
}

int
regressions_open(
    struct store *s, const char *source, const struct regression *r)
{
	int added;

	if (note_begin(s) < 0)
		return -1;
	added = add(s, source, r);
	return store_end(s, added < 0 ? -1 : 0) < 0 ? -1 : added;
}

/* Of regressions g and its test t. */
#define GOES_ON                                   \
	"(t.status IN ('pending', 'in_progress')" \
	" OR (t.status = 'passed'"                \
	" AND ifnull(t.verified_at, '') <= g.detected_at))"

/* Of regressions g: its test says that it is over. */
#define IS_OVER                                                    \
	" g.status = 'open' AND NOT EXISTS (SELECT 1 FROM tests t" \
	" WHERE t.id = g.test_id AND " GOES_ON ")"

/* Nobody needs to answer it any more, or to know that its answer couldn't be
 * done. */
static int
close_question(struct store *s, const char *by, const char *id)
{
	char cause[UUID_SIZE + 16];

	(void)snprintf(cause, sizeof(cause), REGRESSIONS_CAUSE "%s", id);
	if (decisions_withdraw_within(
		s, "subject", id, by, "the regression is over") < 0)
		return -1;
	return alerts_clear_within(s, by, cause);
}

static int
clear_one(struct store *s, const char *source)
{
	char id[UUID_SIZE], test_id[ATTEMPT_TEST_SIZE];
	char loop_id[TEXT_NAME_MAX + 1], result[16];
	int found = statement_get(s,
	    "SELECT g.id, g.test_id, g.loop_id, " REGRESSIONS_RESULT
	    " FROM regressions g WHERE" IS_OVER " LIMIT 1",
	    ">ssss", id, sizeof(id), test_id, sizeof(test_id), loop_id,
	    sizeof(loop_id), result, sizeof(result));

	if (found <= 0)
		return found;
	if (statement_run(s,
		"UPDATE regressions SET status = 'cleared',"
		" closed_at = " NOTE_NOW " WHERE id = ?1",
		"t", id) < 0 ||
	    note_event(s, source, "regression_cleared", "ttt", "test_id",
		test_id, "loop_id", loop_id, "result", result) < 0 ||
	    close_question(s, source, id) < 0)
		return -1;
	return 1;
}

int
regressions_settle(struct store *s, const char *source)
{
	/* Mostly there is none: then nothing is locked. */
	int found = statement_get(
	    s, "SELECT 1 FROM regressions g WHERE" IS_OVER " LIMIT 1", ">");
	int n = 0;

	if (found <= 0)
		return found;
	if (note_begin(s) < 0)
		return -1;
	while ((found = clear_one(s, source)) > 0)
		n++;
	return store_end(s, found) < 0 ? -1 : n;
}

int
regressions_ask(struct store *s, const char *loops, const char *loop_id,
    struct regression_oldest *ret)
{
	return statement_get(s,
	    "SELECT t.id, ifnull(g.failing_commit, ''), EXISTS (SELECT 1"
	    " FROM regressions o JOIN tests r ON r.id = o.test_id"
	    " WHERE o.status = 'open' AND r.loop_id = ?2"
	    " AND r.status = 'pending' AND r.waiting = 0"
	    " AND ifnull(r.automatable, 1) <> 0)"
	    " FROM regressions g JOIN tests t ON t.id = g.test_id"
	    " WHERE g.status = 'open' AND " GOES_ON
	    " AND (t.status = 'passed' OR t.waiting = 0)"
	    " AND t.loop_id IN (SELECT value FROM json_each(?1))"
	    " ORDER BY g.detected_at, t.id LIMIT 1",
	    "tt>ssb", loops, loop_id, ret->test_id, sizeof(ret->test_id),
	    ret->commit, sizeof(ret->commit), &ret->has_fix);
}

int
regressions_each(struct store *s,
    void (*found)(const struct regression *r, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, test_id, loop_id, failing_commit, last_good_commit,"
	    " first_bad_commit, ifnull(blamed_commits, 0), transcript, output,"
	    " cause IS 'outside', ifnull(enough, 0), blamed_loop,"
	    " blamed_test, blamed_attempt, blamed_transcript, blamed_author,"
	    " blamed_subject, blamed_revert FROM regressions"
	    " WHERE status = 'open' ORDER BY detected_at, test_id",
	    "");
	struct regression r;
	int more;

	while ((more = statement_row(s, q, "ttttttittbnttttttb", &r.id,
		    &r.test_id, &r.loop_id, &r.commit, &r.last_good,
		    &r.first_bad, &r.ncommits, &r.transcript, &r.output,
		    &r.is_outside, &r.enough, &r.blamed_loop, &r.blamed_test,
		    &r.blamed_attempt, &r.blamed_transcript, &r.author,
		    &r.subject, &r.is_revert)) == 1)
		found(&r, argument);
	statement_end(q);
	return more;
}
