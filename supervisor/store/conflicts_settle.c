/* How conflicts are settled: what the PM does with them, step by step. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/claims.h"
#include "store/conflicts.h"
#include "store/note.h"
#include "store/parked.h"
#include "store/statement.h"

#define KEEP_FIRST  "A"
#define KEEP_SECOND "B"
#define BY_HAND	    "C"

/* An attempt of ours; or whatever others work on. */
#define ENDED(side)                                                   \
	"CASE WHEN ifnull(c." side "_attempt, '') <> ''"              \
	" THEN NOT EXISTS (SELECT 1 FROM attempts o"                  \
	" WHERE o.id = c." side "_attempt AND o.ended_at IS NULL)"    \
	" WHEN ifnull(c." side "_test, '') <> ''"                     \
	" THEN NOT EXISTS (SELECT 1 FROM tests o"                     \
	" WHERE o.id = c." side "_test AND o.status = 'in_progress')" \
	" ELSE NOT EXISTS (SELECT 1 FROM file_locks o"                \
	" WHERE o.locked_by = c." side "_loop) END"

#define FILES                                                              \
	"(SELECT group_concat(value, ', ') FROM"                           \
	" json_each(CASE WHEN json_valid(c.files) THEN c.files ELSE '[]' " \
	"END))"

#define FIRST_ENDED  ENDED("first")
#define SECOND_ENDED ENDED("second")

#define FACTS                                                                \
	"SELECT c.id, c.status, " FILES ", c.first_loop, c.first_test,"      \
	" c.first_attempt, c.second_loop, c.second_test, "                   \
	"c.second_attempt, " FIRST_ENDED ", " SECOND_ENDED                   \
	", EXISTS (SELECT 1 FROM tests t"                                    \
	" WHERE t.id = c.second_test AND t.parked IN (c.id, c.decision_id))" \
	", NOT EXISTS (SELECT 1 FROM loops l WHERE l.id = c.second_loop"     \
	" AND l.current_test_id = c.second_test), EXISTS (SELECT 1"          \
	" FROM decisions d WHERE d.id = c.decision_id"                       \
	" AND d.applied_at IS NULL AND d.status IN ('pending', 'decided',"   \
	" 'auto_resolved')), a.repository, a.integration_branch,"            \
	" a.base_commit, a.snapshot_ref FROM conflicts c"                    \
	" LEFT JOIN attempts a ON a.id = c.second_attempt WHERE "
#define OPEN "c.closed_at IS NULL"

static int
fetch(struct store *s, const char *sql, const char *word, struct conflict *c)
{
	return statement_get(s, sql, "t>sssssssssbbbbbssss", word, c->id,
	    sizeof(c->id), c->status, sizeof(c->status), c->files,
	    sizeof(c->files), c->first.loop_id, sizeof(c->first.loop_id),
	    c->first.test_id, sizeof(c->first.test_id), c->first.attempt_id,
	    sizeof(c->first.attempt_id), c->second.loop_id,
	    sizeof(c->second.loop_id), c->second.test_id,
	    sizeof(c->second.test_id), c->second.attempt_id,
	    sizeof(c->second.attempt_id), &c->first_ended, &c->second_ended,
	    &c->waits, &c->let_go, &c->asked, c->repository,
	    sizeof(c->repository), c->branch, sizeof(c->branch), c->base_commit,
	    sizeof(c->base_commit), c->snapshot_ref, sizeof(c->snapshot_ref));
}

int
conflicts_next(struct store *s, const char *behind, struct conflict *ret)
{
	return fetch(
	    s, FACTS OPEN " AND c.id > ?1 ORDER BY c.id LIMIT 1", behind, ret);
}

int
conflicts_of_loop(struct store *s, const char *loop_id, struct conflict *ret)
{
	return fetch(s,
	    FACTS OPEN " AND ?1 IN (c.first_loop, c.second_loop)"
		       " ORDER BY c.id LIMIT 1",
	    loop_id, ret);
}

static const char *
or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

/* 1, 0 it isn't as it was read, -1. */
static int
enter(struct store *s, const struct conflict *c, const char *status,
    const char *outcome)
{
	return statement_change(s,
	    "UPDATE conflicts SET status = ?3, outcome = ifnull(?4, outcome),"
	    " closed_at = CASE ?3 WHEN 'closed' THEN " NOTE_NOW " END"
	    " WHERE id = ?1 AND status = ?2 AND closed_at IS NULL",
	    "tttt", c->id, c->status, status, outcome);
}

/* Whether the test of a paused one waits for it still: whoever looked at it did
 * so before, and asked git. 1, 0, -1. */
static int
waits(struct store *s, const struct conflict *c)
{
	return c->second.attempt_id[0] == '\0'
	    ? 1
	    : statement_get(s,
		  "SELECT 1 FROM tests WHERE id = ?1 AND parked = ?2", "tt>",
		  c->second.test_id, c->id);
}

static int
finish(struct store *s, const struct conflict *c, const char *outcome,
    const char *by)
{
	int closed = enter(s, c, "closed", outcome);

	if (closed <= 0)
		return closed;
	return parked_end(s, c->id) < 0 ||
		note_event(s, by, "conflict_resolved", "ttttt", "loop_id",
		    c->second.loop_id, "test_id", or_null(c->second.test_id),
		    "conflict", c->id, "file_path", c->files, "outcome",
		    outcome) < 0
	    ? -1
	    : 1;
}

int
conflicts_close(struct store *s, const struct conflict *c, const char *outcome,
    const char *by)
{
	return note_begin(s) < 0 ? -1 : store_end(s, finish(s, c, outcome, by));
}

/* Whose test had to wait so often within an hour has waited enough. */
#define WAITS_MAX "3"

/* The lower one goes first. */
#define RANK(side)                                                       \
	"((SELECT count(*) < " WAITS_MAX " FROM conflicts p"             \
	" WHERE p.second_test = conflicts." side "_test"                 \
	" AND p.paused_loop IS NOT NULL"                                 \
	" AND julianday(p.detected_at) > julianday('now', '-1 hour')),"  \
	" ifnull((SELECT priority FROM loops WHERE id = " side "_loop)," \
	" 1000), ifnull((SELECT julianday(started_at) FROM attempts"     \
	" WHERE id = " side "_attempt), 0), ifnull(" side "_loop, ''))"

/* Puts the sides in their order. */
static int
rank(struct store *s, const char *id)
{
	return statement_run(s,
	    "UPDATE conflicts SET first_loop = second_loop,"
	    " first_test = second_test, first_attempt = second_attempt,"
	    " second_loop = first_loop, second_test = first_test,"
	    " second_attempt = first_attempt WHERE id = ?1"
	    " AND status = 'open' AND " RANK("first") " > " RANK("second"),
	    "t", id);
}

static int
take_up(struct store *s, const char *attempt_id, enum conflict_take_up how)
{
	return statement_run(s,
	    "UPDATE attempts SET take_up = ?2 WHERE id = ?1", "ti", attempt_id,
	    (int64_t)how);
}

/* The second one stops. One that is none of ours only hears of it. */
static int
stop_second(struct store *s, const struct conflict *c, const char *by)
{
	const struct conflict_side *second = &c->second;
	bool is_ours = second->attempt_id[0] != '\0';
	char why[CONFLICT_FILES_SIZE + 256];
	char attempt[UUID_SIZE], test_id[ATTEMPT_TEST_SIZE];
	int parked = 1;

	(void)snprintf(why, sizeof(why), "%s: %s goes first with %s", c->id,
	    c->first.loop_id, c->files);
	if (is_ours) {
		if (claims_interrupt_within(
			s, second->loop_id, by, why, attempt, test_id) < 0)
			return -1;
		parked = parked_begin(s, second->test_id, c->id);
	}
	/* With a question about it open it waits for the answer alone. */
	if (parked < 0 ||
	    (parked == 0 && take_up(s, second->attempt_id, TAKE_UP_WORK) < 0))
		return -1;
	return note_event(s, by, is_ours ? "paused" : "pause_requested",
	    "ttttttt", "state", is_ours ? "test" : NULL, "component",
	    is_ours ? NULL : second->loop_id, "loop_id", second->loop_id,
	    "test_id", or_null(second->test_id), "conflict", c->id, "by", by,
	    "why", why);
}

static int
pause_second(struct store *s, const struct conflict *seen, const char *by)
{
	struct conflict c = { 0 };
	int found = rank(s, seen->id);

	if (found == 0)
		found =
		    fetch(s, FACTS OPEN " AND c.id = ?1 AND c.status = 'open'",
			seen->id, &c);
	if (found <= 0)
		return found;
	if (c.first_ended || c.second_ended)
		return finish(s, &c,
		    "one of them had ended before the other was paused", by);
	if (statement_run(s,
		"UPDATE conflicts SET status = 'paused',"
		" paused_loop = second_loop WHERE id = ?1",
		"t", c.id) < 0)
		return -1;
	return stop_second(s, &c, by) < 0 ? -1 : 1;
}

int
conflicts_pause(struct store *s, const struct conflict *c, const char *by)
{
	return note_begin(s) < 0 ? -1 : store_end(s, pause_second(s, c, by));
}

static int
resume_second(struct store *s, const struct conflict *c, const char *outcome,
    const char *by)
{
	bool is_ours = c->second.attempt_id[0] != '\0';
	int closed = waits(s, c);

	if (closed > 0)
		closed = finish(s, c, outcome, by);
	if (closed <= 0)
		return closed;
	return (is_ours &&
		   take_up(s, c->second.attempt_id, TAKE_UP_WORK) < 0) ||
		note_event(s, by, is_ours ? "resumed" : "resume_requested",
		    "tttttt", "component", is_ours ? NULL : c->second.loop_id,
		    "loop_id", c->second.loop_id, "test_id",
		    or_null(c->second.test_id), "conflict", c->id, "by", by,
		    "why", c->id) < 0
	    ? -1
	    : 1;
}

int
conflicts_resume(struct store *s, const struct conflict *c, const char *outcome,
    const char *by)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, resume_second(s, c, outcome, by));
}

/* Of the test's last attempt, so that an answer that comes too late is known
 * to. 1, or -1. */
static int
read_fence(struct store *s, const char *test_id, int64_t *ret)
{
	return statement_get(s,
	    "SELECT ifnull(max(fence), 0) FROM attempts WHERE test_id = ?1",
	    "t>i", test_id, ret);
}

static int
ask(struct store *s, const struct conflict *c, const char *files,
    int64_t timeout_ms, const char *boot_id, const char *by)
{
	char summary[CONFLICT_FILES_SIZE + 1024], first[512], second[512];
	char id[DECISION_ID_SIZE];
	int64_t fence;
	int entered = waits(s, c);

	if (entered > 0)
		entered = enter(s, c, "deciding", NULL);
	if (entered <= 0)
		return entered;
	if (parked_end(s, c->id) < 0 ||
	    read_fence(s, c->second.test_id, &fence) != 1)
		return -1;
	(void)snprintf(summary, sizeof(summary),
	    "%s: what %s did for %s doesn't apply to %s any more, since %s "
	    "changed %s for %s",
	    c->id, c->second.loop_id, c->second.test_id, c->branch,
	    c->first.loop_id, files, c->first.test_id);
	(void)snprintf(first, sizeof(first),
	    "keep %s's; %s begins %s afresh on top of it", c->first.loop_id,
	    c->second.loop_id, c->second.test_id);
	(void)snprintf(second, sizeof(second),
	    "keep %s's; it goes on with its own version of these files",
	    c->second.loop_id);
	if (decisions_open(s,
		&(struct question){ .type = CONFLICT_DECISION,
		    .summary = summary,
		    .test_id = c->second.test_id,
		    .loop_id = c->second.loop_id,
		    .subject = c->id,
		    .fence = fence,
		    .options = { { KEEP_FIRST, first }, { KEEP_SECOND, second },
			{ BY_HAND,
			    "put it right by hand; the test is blocked, "
			    "and says how" } },
		    .default_option = BY_HAND,
		    .parks = true,
		    .by = by,
		    .timeout_ms = timeout_ms,
		    .boot_id = boot_id },
		id) < 0)
		return -1;
	return statement_run(s,
		   "UPDATE conflicts SET decision_id = ?2 WHERE id = ?1", "tt",
		   c->id, id) < 0
	    ? -1
	    : 1;
}

int
conflicts_ask(struct store *s, const struct conflict *c, const char *files,
    int64_t timeout_ms, const char *boot_id, const char *by)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, ask(s, c, files, timeout_ms, boot_id, by));
}

/* With all that is needed to do it by hand. */
static int
block_second(struct store *s, const struct conflict *c, const char *by)
{
	const char *test_id = c->second.test_id;
	char reason[CONFLICT_FILES_SIZE + 3072];
	struct buf b;

	buf_init(&b, reason, sizeof(reason));
	buf_addf(&b,
	    "%s: its work conflicts with %s's (%s) in %s, and is kept as %s. "
	    "To put it right: git worktree add --detach ../by-hand %s; in "
	    "there git diff --binary %.12s %s | git apply --3way; mend and "
	    "commit it; git push . HEAD:%s; then loopkeeper reset ",
	    c->id, c->first.loop_id, c->first.test_id, c->files,
	    c->snapshot_ref, c->branch, c->base_commit, c->snapshot_ref,
	    c->branch);
	buf_add_word(&b, test_id);
	if (statement_run(s,
		"UPDATE tests SET status = 'blocked', reason = ?2"
		" WHERE id = ?1",
		"tt", test_id, reason) < 0)
		return -1;
	return note_event(s, by, "test_blocked", "ttt", "loop_id",
	    c->second.loop_id, "test_id", test_id, "reason", reason);
}

/* 1 the test is still the one that was asked about, and waits for the answer:
 * whoever has reset it since has decided otherwise. 0, -1. */
static int
is_current(struct store *s, const struct decision *d)
{
	return statement_get(s,
	    "SELECT 1 FROM tests WHERE id = ?1 AND status = 'pending'"
	    " AND parked = ?3"
	    " AND ?2 = (SELECT ifnull(max(fence), 0) FROM attempts"
	    " WHERE test_id = ?1)",
	    "tit>", d->test_id, d->fence, d->id);
}

int
conflicts_apply(struct store *s, const struct decision *d, const char *by)
{
	char outcome[DECISION_ID_SIZE + 256];
	struct conflict c;
	int result = is_current(s, d);

	if (result == 1)
		result = fetch(s,
		    FACTS OPEN " AND c.id = ?1 AND c.status = 'deciding'",
		    d->subject, &c);
	if (result <= 0)
		return result;
	if (strcmp(d->choice, KEEP_FIRST) == 0) {
		(void)snprintf(outcome, sizeof(outcome),
		    "%s: %s was kept; %s begins afresh on top of it", d->id,
		    c.first.loop_id, c.second.loop_id);
	} else if (strcmp(d->choice, KEEP_SECOND) == 0) {
		(void)snprintf(outcome, sizeof(outcome),
		    "%s: %s goes on with its own version", d->id,
		    c.second.loop_id);
		result = take_up(s, c.second.attempt_id, TAKE_UP_OVERRIDE);
	} else {
		(void)snprintf(outcome, sizeof(outcome),
		    "%s: left to be put right by hand; %s is blocked", d->id,
		    c.second.test_id);
		result = block_second(s, &c, by);
	}
	return result < 0 ? -1 : finish(s, &c, outcome, by);
}
