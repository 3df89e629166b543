#include <stdio.h>
#include <string.h>

#include "store/alerts.h"
#include "store/claims.h"
#include "store/decisions_regression.h"
#include "store/note.h"
#include "store/statement.h"

#define ROLL_BACK  "A"
#define FORWARD	   "B"
#define SKIP	   "C"
#define CAUSE_SIZE (DECISION_SUBJECT_SIZE + 16)

#define SUBJECT                                         \
	" json_extract(CASE WHEN json_valid(d.context)" \
	" THEN d.context ELSE '{}' END, '$.subject')"

/* Of a decision d: it was rolled back without asking. */
#define WAS_AUTOMATIC                                 \
	"d.decision_type = '" DECISION_REGRESSION "'" \
	" AND d.status = 'auto_resolved' AND d.choice = '" ROLL_BACK "'"

/* Of a regression g: what was to mend it is done, and two runs after that have
 * failed; the first of them may have begun before. */
#define IN_VAIN                                                    \
	"(d.choice = '" ROLL_BACK "' AND d.applied_at IS NOT NULL" \
	" AND ifnull(g.confirmed, 0) >= 2)"

/* Of a regression g and its test t. */
#define IS_ASKABLE                                                         \
	"g.status = 'open' AND t.status = 'passed' AND (g.decision_id IS"  \
	" NULL OR EXISTS (SELECT 1 FROM decisions d WHERE"                 \
	" d.id = g.decision_id AND " IN_VAIN ")) AND NOT EXISTS (SELECT 1" \
	" FROM regressions o JOIN decisions d ON d.id = o.decision_id"     \
	" WHERE o.status = 'open' AND o.id <> g.id"                        \
	" AND o.first_bad_commit = g.first_bad_commit"                     \
	" AND d.choice = '" ROLL_BACK "' AND NOT " IN_VAIN ")"

struct regressed {
	char id[UUID_SIZE];
	char test_id[ATTEMPT_TEST_SIZE];
	char loop_id[TEXT_NAME_MAX + 1];
	char good[ATTEMPT_COMMIT_SIZE]; /* "" unknown, as all that follows */
	char bad[ATTEMPT_COMMIT_SIZE];
	char cause[16];
	int64_t ncommits;
	char blamed_test[ATTEMPT_TEST_SIZE];
	char blamed_loop[TEXT_NAME_MAX + 1];
	char author[64];
	bool is_revert;
	bool in_vain;	 /* it was rolled back */
	char error[256]; /* why it couldn't be */
	int64_t fence;
};

/* 1 one, 0 none, -1. */
static int
find(struct store *s, struct regressed *ret)
{
	return statement_get(s,
	    "SELECT g.id, g.test_id, g.loop_id, g.last_good_commit,"
	    " g.first_bad_commit, g.cause, ifnull(g.blamed_commits, 1),"
	    " g.blamed_test, g.blamed_loop, g.blamed_author,"
	    " ifnull(g.blamed_revert, 0), g.decision_id IS NOT NULL,"
	    " g.rollback_error, ifnull((SELECT max(a.fence) FROM attempts a"
	    " WHERE a.test_id = t.id), 0) FROM regressions g"
	    " JOIN tests t ON t.id = g.test_id WHERE " IS_ASKABLE
	    " ORDER BY g.detected_at, g.test_id LIMIT 1",
	    ">ssssssisssbbsi", ret->id, sizeof(ret->id), ret->test_id,
	    sizeof(ret->test_id), ret->loop_id, sizeof(ret->loop_id), ret->good,
	    sizeof(ret->good), ret->bad, sizeof(ret->bad), ret->cause,
	    sizeof(ret->cause), &ret->ncommits, ret->blamed_test,
	    sizeof(ret->blamed_test), ret->blamed_loop,
	    sizeof(ret->blamed_loop), ret->author, sizeof(ret->author),
	    &ret->is_revert, &ret->in_vain, ret->error, sizeof(ret->error),
	    &ret->fence);
}

/* Whether one commit alone is to blame, and nobody has tried that yet. */
static bool
can_roll_back(const struct regressed *r)
{
	return strcmp(r->cause, "outside") != 0 && r->bad[0] != '\0' &&
	    r->ncommits == 1 && !r->in_vain && r->error[0] == '\0';
}

/* Why it isn't rolled back without asking; "" it is. -1, else 0. */
static int
find_scruple(struct store *s, const struct regressed_asking *asking,
    const struct regressed *r, const char **ret)
{
	bool is_spent, is_second, is_open, is_unlike;

	if (statement_get(s,
		"SELECT (SELECT count(*) FROM decisions d WHERE " WAS_AUTOMATIC
		" AND julianday(d.decided_at) > julianday('now', '-1 day'))"
		" >= ?4, EXISTS (SELECT 1 FROM decisions d JOIN regressions o"
		" ON o.id = " SUBJECT " WHERE " WAS_AUTOMATIC
		" AND o.blamed_test = ?1), EXISTS (SELECT 1 FROM decisions d"
		" JOIN regressions o ON o.id = " SUBJECT " WHERE " WAS_AUTOMATIC
		" AND o.status = 'open'),"
		" EXISTS (SELECT 1 FROM regressions o WHERE o.status = 'open'"
		" AND o.id <> ?2 AND o.first_bad_commit IS NOT ?3"
		" AND julianday(o.detected_at) >"
		" julianday('now', '-30 minutes'))",
		"ttti>bbbb", r->blamed_test, r->id, r->bad,
		(int64_t)asking->rollbacks_per_day, &is_spent, &is_second,
		&is_open, &is_unlike) < 0)
		return -1;
	*ret = r->blamed_test[0] == '\0' ? "no loop has made that commit"
	    : r->is_revert		 ? "that is a rollback itself"
	    : is_spent	? "there were as many today as are allowed"
	    : is_second ? "that test's work was rolled back so before"
	    : is_open	? "another one isn't seen to have mended anything yet"
	    : is_unlike ? "other tests fail for another cause"
			: "";
	return 0;
}

static void
summarize(
    const struct regressed *r, const char *scruple, char *buf, size_t size)
{
	char where[384];

	if (strcmp(r->cause, "outside") == 0)
		(void)snprintf(where, sizeof(where),
		    "also where it passed, on %.12s: no commit is to blame",
		    r->good);
	else if (r->bad[0] == '\0')
		(void)snprintf(where, sizeof(where),
		    "on its branch; where it passed isn't known there");
	else
		(void)snprintf(where, sizeof(where),
		    "%ssince %.12s%s (%s%s%s), and passes on %.12s",
		    strcmp(r->cause, "sometimes") == 0 ? "now and then " : "",
		    r->bad, r->ncommits > 1 ? " or a commit before it" : "",
		    r->blamed_test[0] != '\0' ? r->blamed_test : r->author,
		    r->blamed_loop[0] != '\0' ? " of " : "", r->blamed_loop,
		    r->good);
	(void)snprintf(buf, size, "%s of %s fails %s%s%s%s", r->test_id,
	    r->loop_id, where,
	    r->in_vain		      ? "; to roll that back mended nothing"
		: r->error[0] != '\0' ? "; it couldn't be rolled back: "
		: scruple[0] != '\0'  ? "; not rolled back by itself: "
				      : "",
	    r->in_vain ? "" : r->error, scruple);
}

static int
open_question(struct store *s, const struct regressed_asking *asking,
    const struct regressed *r, const char *scruple, bool is_automatic)
{
	char id[DECISION_ID_SIZE], summary[1024], back[256], forward[256];
	struct question q = { .type = DECISION_REGRESSION,
		.summary = summary,
		.test_id = r->test_id,
		.loop_id = r->loop_id,
		.subject = r->id,
		.fence = r->fence,
		.default_option = is_automatic ? ROLL_BACK : SKIP,
		.by = asking->by,
		.timeout_ms = asking->timeout_ms,
		.boot_id = asking->boot_id };
	size_t n = 0;

	summarize(r, scruple, summary, sizeof(summary));
	(void)snprintf(back, sizeof(back),
	    "roll back %.12s, just that commit%s%s", r->bad,
	    r->blamed_test[0] != '\0' ? ", and do it anew: " : "",
	    r->blamed_test);
	(void)snprintf(forward, sizeof(forward),
	    "fix forward: do %s anew, with what is known of its failure",
	    r->test_id);
	if (can_roll_back(r))
		q.options[n++] = (struct question_option){ ROLL_BACK, back };
	q.options[n++] = (struct question_option){ FORWARD, forward };
	q.options[n] = (struct question_option){ SKIP, "skip it" };
	if (decisions_open(s, &q, id) < 0 ||
	    statement_run(s,
		"UPDATE regressions SET decision_id = ?2, confirmed = 0"
		" WHERE id = ?1",
		"tt", r->id, id) < 0)
		return -1;
	return is_automatic ? decisions_expire_within(s, id, asking->by) : 0;
}

static int
ask_one(struct store *s, const struct regressed_asking *asking,
    const struct regressed *r)
{
	const char *scruple = "";
	bool may_be = asking->auto_rollback && can_roll_back(r);

	if (may_be && find_scruple(s, asking, r, &scruple) < 0)
		return -1;
	return open_question(
	    s, asking, r, scruple, may_be && scruple[0] == '\0');
}

int
regressed_ask(struct store *s, const struct regressed_asking *asking)
{
	struct regressed r;
	int found, asked = 0;

	/* Nothing is locked as long as there is nothing to do. */
	found = find(s, &r);
	if (found <= 0)
		return found;
	if (note_begin(s) < 0)
		return -1;
	while ((found = find(s, &r)) == 1) {
		found = ask_one(s, asking, &r);
		if (found < 0)
			break;
		asked++;
	}
	return store_end(s, found < 0 ? -1 : asked);
}

int
regressed_rollback(
    struct store *s, const struct decision *d, struct regressed_commit *ret)
{
	if (strcmp(d->type, DECISION_REGRESSION) != 0 ||
	    strcmp(d->choice, ROLL_BACK) != 0)
		return 0;
	return statement_get(s,
	    "SELECT ifnull(blamed_loop, loop_id), first_bad_commit"
	    " FROM regressions WHERE id = ?1 AND status = 'open'",
	    "t>ss", d->subject, ret->loop_id, sizeof(ret->loop_id), ret->commit,
	    sizeof(ret->commit));
}

int
regressed_note(struct store *s, const struct decision *d, const char *error)
{
	return statement_run(s,
	    "UPDATE regressions SET rollback_error = ?2 WHERE id = ?1", "tt",
	    d->subject, error);
}

static void
format_cause(char ret[static CAUSE_SIZE], const struct decision *d)
{
	(void)snprintf(ret, CAUSE_SIZE, REGRESSIONS_CAUSE "%s", d->subject);
}

/* How alerts are raised, alone or inside a transaction. */
typedef int
raising(struct store *s, const struct alert *alert, const char *event);

static int
tell(struct store *s, raising *raise, const struct decision *d, const char *by,
    const char *severity, const char *how, const char *error)
{
	char cause[CAUSE_SIZE], message[768];

	format_cause(cause, d);
	(void)snprintf(message, sizeof(message),
	    "%s: what %s fails since %s: %s", d->id, d->test_id, how, error);
	return raise(s,
		   &(struct alert){ .cause = cause,
		       .severity = severity,
		       .type = "rollback_failed",
		       .source = by,
		       .message = message,
		       .loop_id = d->loop_id,
		       .test_id = d->test_id },
		   NULL) < 0
	    ? -1
	    : 0;
}

int
regressed_postpone(struct store *s, const struct decision *d, const char *by,
    const char *error)
{
	return tell(s, alerts_raise, d, by, "warning",
	    "can't be rolled back yet, and is tried again", error);
}

/* It can't be: that is said, and asked again without it. */
static int
give_up(struct store *s, const struct decision *d, const char *by,
    const char *error)
{
	if (statement_run(s,
		"UPDATE regressions SET decision_id = NULL WHERE id = ?1", "t",
		d->subject) < 0)
		return -1;
	return tell(s, alerts_raise_within, d, by, "error",
		   "couldn't be rolled back", error) < 0
	    ? -1
	    : 1;
}

/* It is: all that failed since that commit is looked at anew. */
static int
note_rollback(struct store *s, const struct decision *d, const char *by)
{
	char cause[CAUSE_SIZE];
	int changed;

	format_cause(cause, d);
	if (alerts_clear_within(s, by, cause) < 0)
		return -1;
	changed = statement_change(s,
	    "UPDATE regressions SET confirmed = 0 WHERE status = 'open'"
	    " AND (id = ?1 OR first_bad_commit = (SELECT first_bad_commit"
	    " FROM regressions WHERE id = ?1))",
	    "t", d->subject);

	return changed < 0 ? -1 : changed > 0;
}

static int
fix_forward(struct store *s, const struct decision *d, const char *by)
{
	char reason[DECISION_ID_SIZE + DECISION_CHOICE_SIZE + 16];

	(void)snprintf(
	    reason, sizeof(reason), "decision %s: %s", d->id, d->choice);
	if (claims_reset_within(s, d->test_id, by, reason) < 0)
		return -1;
	return statement_change(s,
	    "UPDATE tests SET evidence = (SELECT ?1 || ' had passed, and fails"
	    " on the integration branch now' || ifnull(' since commit '"
	    " || substr(g.first_bad_commit, 1, 12) || ifnull(' ('"
	    " || ifnull(g.blamed_test, g.blamed_subject) || ')', ''), '')"
	    " || ifnull('; it passes on ' || substr(g.last_good_commit, 1,"
	    " 12), '') || CASE WHEN g.first_bad_commit IS NULL THEN '.' ELSE"
	    " '. Mend it without undoing what that commit is for.' END"
	    " || ' It says:' || char(10) || ifnull(g.output, '')"
	    " FROM regressions g WHERE g.id = ?2) WHERE id = ?1",
	    "tt", d->test_id, d->subject);
}

int
regressed_apply(struct store *s, const struct decision *d, const char *by)
{
	char reason[ATTEMPT_TEST_SIZE + 32], error[256];
	bool is_passed;
	int found = statement_get(s,
	    "SELECT 'Regression' || coalesce(' from ' || g.blamed_test,"
	    " ' from ' || substr(g.first_bad_commit, 1, 12),"
	    " ' seen on ' || nullif(substr(g.failing_commit, 1, 12), ''), ''),"
	    " g.rollback_error, t.status = 'passed' FROM regressions g"
	    " JOIN tests t ON t.id = g.test_id"
	    " WHERE g.id = ?1 AND g.status = 'open'",
	    "t>ssb", d->subject, reason, sizeof(reason), error, sizeof(error),
	    &is_passed);

	if (found <= 0)
		return found;
	if (strcmp(d->choice, ROLL_BACK) == 0)
		return error[0] != '\0' ? give_up(s, d, by, error)
					: note_rollback(s, d, by);
	/* Somebody may have done it by hand meanwhile. */
	if (!is_passed)
		return 0;
	return strcmp(d->choice, FORWARD) == 0 ? fix_forward(s, d, by)
	    : strcmp(d->choice, SKIP) == 0
	    ? claims_skip_within(s, d->test_id, by, reason)
	    : 0;
}
