#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "store/claims.h"
#include "store/edges.h"
#include "store/expiry.h"
#include "store/locks.h"
#include "store/note.h"
#include "store/overlap.h"
#include "store/retry.h"
#include "store/statement.h"

/* The patterns of a test's files; what is no JSON locks nothing. */
#define FILES(t)                                                       \
	"json_each(CASE WHEN json_valid(" t ".files) THEN " t ".files" \
	" ELSE '[]' END)"

/* So many of a queue's tests are looked at in one go. */
#define LOOK_MAX 200

/* ?6 is set while only fixes are claimed. */
#define IS_FIX                                                \
	" AND (NOT ?6 OR EXISTS (SELECT 1 FROM regressions g" \
	" WHERE g.test_id = t.id AND g.status = 'open'))"

#define TEST_FITS ATTEMPT_TEST_FITS("t.id")

/* May be run by the loop ?1 at the time ?5, its files left aside. The first
 * three are those of the index tests_ready: what waits for another test isn't
 * even passed by. */
#define IS_NEXT                                                             \
	"t.status = 'pending' AND t.waiting = 0 AND " TEST_FITS             \
	" AND ifnull(t.automatable, 1) <> 0"                                \
	" AND (ifnull(t.depends_on, '') = '' OR EXISTS (SELECT 1"           \
	" FROM tests d WHERE d.id = t.depends_on AND d.status = 'passed'))" \
	" AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.test_id = t.id"  \
	" AND a.ended_at IS NULL) AND " RETRY_IS_DUE("?5") IS_FIX

/* At the time ?7, which ?5 needn't be. */
#define NO_LOCK                                                         \
	" AND NOT EXISTS (SELECT 1 FROM " FILES(                        \
	    "t") " f"                                                   \
		 " JOIN file_locks l ON overlaps(f.value, l.file_path)" \
		 " WHERE l.locked_by <> ?1 AND " LOCK_IS_LIVE("?7") ")"

/* Whoever waits by a command comes first: else a loop that had to let go would
 * have it all again before him. */
#define NO_TURN                                                        \
	" AND NOT EXISTS (SELECT 1 FROM " FILES(                       \
	    "t") " f"                                                  \
		 " JOIN wait_graph w ON overlaps(f.value, w.resource)" \
		 " WHERE w.waiter <> ?1"                               \
		 " AND julianday(w.expires_at) > julianday(?7))"

#define IS_UNLOCKED NO_LOCK NO_TURN

/* ?3 is set in mode slow. */
#define IS_APART                                                    \
	" AND NOT (?3 AND EXISTS (SELECT 1 FROM tests o, " FILES(   \
	    "t") " f,"                                              \
		 " " FILES("o") " g WHERE o.status = 'in_progress'" \
				" AND overlaps(f.value, g.value)))"

/* The tests of the loop ?1; or one test, whosever it is. */
#define ITS_TESTS "tests t INDEXED BY tests_ready WHERE t.loop_id = ?1 AND "
#define ONE_TEST  "tests t WHERE t.id = ?2 AND "

#define FROM_ON "(t.place, t.id) >= (?4, ?2) AND "
#define WALK(from)                                     \
	"SELECT t.place, t.id, 1" IS_UNLOCKED IS_APART \
	" FROM " ITS_TESTS from IS_NEXT " ORDER BY t.place, t.id"

static bool
is_excepted(const struct claim_request *request, const char *test_id)
{
	const char *const *id = request->except;

	while (id != NULL && *id != NULL && strcmp(*id, test_id) != 0)
		id++;
	return id != NULL && *id != NULL;
}

/* As ?5; by hand back-offs count at no time. */
static const char *
format_now(struct store *s, const struct claim_request *request,
    char buf[static CLOCK_ISO_SIZE])
{
	expiry_format(s, buf, 0);
	return request->by_hand ? NULL : buf;
}

/* Looks at tests in their order, from this one on ("": from the first). 1: at
 * is one to be run. 0: at is the last that was looked at, "" if the queue ends
 * there. -1. */
static int
walk(struct store *s, const struct claim_request *request,
    struct claim_cursor *at)
{
	struct sqlite3_stmt *q;
	char now[CLOCK_ISO_SIZE];
	bool is_free = false;
	int more, n = 0;

	q = statement_query(s,
	    at->test_id[0] != '\0' ? WALK(FROM_ON) : WALK(""), "ttiitit",
	    request->loop_id, at->test_id, (int64_t)request->no_overlap,
	    at->place, format_now(s, request, now),
	    (int64_t)request->only_fixes, now);
	while ((more = statement_row(s, q, "isb", &at->place, at->test_id,
		    sizeof(at->test_id), &is_free)) == 1) {
		is_free = is_free && !is_excepted(request, at->test_id);
		if (is_free || ++n == LOOK_MAX || request->no_passing)
			break;
	}
	statement_end(q);
	if (more == 0 || (!is_free && request->no_passing))
		*at = (struct claim_cursor){ 0 };
	return more < 0 ? -1 : is_free;
}

/*
 * The loop's next test: 1, 0, -1. The queue's head is looked at each time; if
 * all of it is locked, the look goes on where it last was: once, or until it
 * has been everywhere.
 */
static int
find(struct store *s, const struct claim_request *request, bool everywhere,
    struct claim_cursor *ret)
{
	struct claim_cursor here = { 0 }, head = { 0 };
	struct claim_cursor *at =
	    request->cursor != NULL ? request->cursor : &here;
	bool is_round = at->test_id[0] == '\0';
	int found = walk(s, request, &head);

	if (found == 0 && head.test_id[0] != '\0') {
		do {
			if (at->test_id[0] == '\0')
				*at = head;
			found = walk(s, request, at);
			if (found == 0 && at->test_id[0] == '\0') {
				everywhere = everywhere && !is_round;
				is_round = true;
			}
		} while (found == 0 && everywhere);
		head = *at;
	}
	*ret = head;
	return found;
}

/* Marks the test. 1, 0 when it may not be run, -1. */
static int
pick(struct store *s, const struct claim_request *request, const char *test_id,
    struct claim *c)
{
	char now[CLOCK_ISO_SIZE];

	return statement_get(s,
	    "UPDATE tests SET status = 'in_progress', reason = NULL,"
	    " last_attempt_at = " NOTE_NOW ", claimed_at = " NOTE_NOW
	    " WHERE id = (SELECT t.id"
	    " FROM " ONE_TEST IS_NEXT IS_UNLOCKED IS_APART ")"
	    " RETURNING id, ifnull(attempts, 0) + 1,"
	    " ifnull(nullif(max_attempts, 0), ?4), verify, worker,"
	    " spec_content, last_result, files, test_files,"
	    " ifnull(allow_test_changes, 0), evidence",
	    "ttiitit>snnmmmmmmbm", request->loop_id, test_id,
	    (int64_t)request->no_overlap, (int64_t)request->max_attempts,
	    format_now(s, request, now), (int64_t)request->only_fixes, now,
	    c->key.test_id, sizeof(c->key.test_id), &c->key.attempt,
	    &c->max_attempts, &c->verify, &c->worker, &c->spec, &c->last_result,
	    &c->files, &c->test_files, &c->allow_test_changes, &c->evidence);
}

/* Whether there would be one but for its files: 1, 0, -1. */
static int
is_held_up(struct store *s, const struct claim_request *request)
{
	char now[CLOCK_ISO_SIZE];

	return statement_get(s,
	    request->test_id != NULL ? "SELECT 1 FROM " ONE_TEST IS_NEXT
				     : "SELECT 1 FROM " ITS_TESTS IS_NEXT
				       " LIMIT 1",
	    "ttiiti>", request->loop_id, request->test_id, INT64_C(0),
	    INT64_C(0), format_now(s, request, now),
	    (int64_t)request->only_fixes);
}

/* The test ?1 with the last attempt of it that has ended and for which the
 * condition holds; a row of nothing without one. */
#define WITH_LAST(condition)                                      \
	" FROM tests t LEFT JOIN attempts a ON a.id = (SELECT id" \
	" FROM attempts WHERE test_id = ?1 AND " condition        \
	" ORDER BY fence DESC LIMIT 1) WHERE t.id = ?1"

#define ENDED "ended_at IS NOT NULL"
/* One that passed without a worker is the end of what was before it. */
#define RAN_WORKER \
	"(pid IS NOT NULL OR session_id IS NOT NULL OR outcome = 'passed')"

#define LAST_ATTEMPT                                       \
	"SELECT a.outcome, a.transcript, a.result_commit," \
	" ifnull(t.second_worker, 0)" WITH_LAST(ENDED)

#define LAST_SESSION                                  \
	"SELECT a.session_id, a.provider, a.loop_id," \
	" a.outcome, ifnull(a.second_worker, 0),"     \
	" ifnull(a.draining, 0), a.transcript,"       \
	" a.base_commit, a.snapshot_ref,"             \
	" ifnull(a.take_up, 0)" WITH_LAST(ENDED " AND " RAN_WORKER)

/* What the attempts before this one left. */
static int
look_back(struct store *s, struct claim *c)
{
	struct claim_session *session = &c->session;
	int in_vain = retry_was_in_vain(
	    s, c->key.test_id, c->key.attempt - 1, &c->in_vain_now);

	c->in_vain = in_vain == 1;
	if (in_vain < 0 ||
	    statement_get(s, LAST_ATTEMPT, "t>mmmb", c->key.test_id,
		&c->last_outcome, &c->last_transcript, &c->last_result_commit,
		&c->by_second) != 1)
		return -1;
	return statement_get(s, LAST_SESSION, "t>mmmmbbmmmn", c->key.test_id,
		   &session->id, &session->provider, &session->loop_id,
		   &session->outcome, &session->second, &session->draining,
		   &session->transcript, &session->base_commit,
		   &session->snapshot_ref, &session->take_up) == 1
	    ? 0
	    : -1;
}

static int
add_attempt(
    struct store *s, struct claim *c, const char *boot_id, const char *lease)
{
	struct attempt_key *key = &c->key;

	if (statement_get(s,
		"INSERT INTO attempts (id, epoch, test_id, loop_id, fence,"
		" state, lease_until, started_at, boot_id)"
		" SELECT ?1, ?2, ?3, ?4, ifnull(max(fence), 0) + 1, 'claimed',"
		" ?5, " NOTE_NOW ", ?6 FROM attempts WHERE test_id = ?3"
		" RETURNING fence",
		"tttttt>i", key->id, key->epoch, key->test_id, key->loop_id,
		lease, boot_id, &key->fence) <= 0)
		return -1;
	return statement_run(s,
	    "UPDATE loops SET current_test_id = ?2, updated_at = " NOTE_NOW
	    " WHERE id = ?1",
	    "tt", key->loop_id, key->test_id);
}

/* All of the test's files or none, in the order of their paths. */
static int
add_locks(struct store *s, struct claim *c)
{
	const struct attempt_key *key = &c->key;
	char expires[CLOCK_ISO_SIZE];

	expiry_format(s, expires, LOCK_TTL_MS);
	c->nlocks = statement_change(s,
	    LOCK_INSERT
	    " SELECT DISTINCT f.value, ?2, " NOTE_NOW ","
	    " 'attempt ' || ?3 || ' at ' || ?1, ?4, ?1, ?5, 0"
	    " FROM tests t, " FILES("t") " f WHERE t.id = ?1"
					 " ORDER BY f.value " LOCK_REPLACE,
	    "ttitt", key->test_id, key->loop_id, (int64_t)key->attempt, expires,
	    key->id);
	if (c->nlocks <= 0)
		return c->nlocks;
	return note_event(s, key->loop_id, "file_locked", "ttii", "loop_id",
	    key->loop_id, "test_id", key->test_id, "attempt",
	    (int64_t)key->attempt, "files", (int64_t)c->nlocks);
}

static int
take(struct store *s, const struct claim_request *request, struct claim *c)
{
	struct attempt_key *key = &c->key;
	struct claim_cursor next;
	char lease[CLOCK_ISO_SIZE];
	int found = 1;

	uuid_new(key->id);
	(void)strlcpy(key->epoch, s->epoch, sizeof(key->epoch));
	(void)strlcpy(key->loop_id, request->loop_id, sizeof(key->loop_id));
	if (request->test_id == NULL)
		found = find(s, request, false, &next);
	if (found == 1)
		found = pick(s, request,
		    request->test_id != NULL ? request->test_id : next.test_id,
		    c);
	if (found <= 0)
		return found;
	expiry_format(s, lease, CLAIM_LEASE_MS);
	if (look_back(s, c) < 0 ||
	    add_attempt(s, c, request->boot_id, lease) < 0 ||
	    add_locks(s, c) < 0 || edges_end(s, key->loop_id, NULL) < 0 ||
	    note_event(s, key->loop_id, "test_started", "ttiii", "loop_id",
		key->loop_id, "test_id", key->test_id, "attempt",
		(int64_t)key->attempt, "of", (int64_t)c->max_attempts, "fence",
		key->fence) < 0)
		return -1;
	return 1;
}

int
claims_take(struct store *s, const struct claim_request *request,
    struct claim *ret, bool *ret_locked)
{
	struct claim c = { 0 };
	int found;

	if (note_begin(s) < 0)
		return -1;
	found = overlap_register(s) < 0 ? -1 : take(s, request, &c);
	if (found == 0 && ret_locked != NULL)
		*ret_locked = is_held_up(s, request) == 1;
	found = store_end(s, found);
	if (found == 1)
		*ret = c;
	else
		claims_free(&c);
	return found;
}

int
claims_any(
    struct store *s, const struct claim_request *request, bool *ret_locked)
{
	struct claim_cursor next;
	char now[CLOCK_ISO_SIZE];
	int found;

	if (overlap_register(s) < 0)
		return -1;
	found = request->test_id == NULL
	    ? find(s, request, true, &next)
	    : statement_get(s,
		  "SELECT 1 FROM " ONE_TEST IS_NEXT IS_UNLOCKED IS_APART,
		  "ttiitit>", request->loop_id, request->test_id,
		  (int64_t)request->no_overlap, INT64_C(0),
		  format_now(s, request, now), (int64_t)request->only_fixes,
		  now);
	if (found == 0)
		*ret_locked = is_held_up(s, request) == 1;
	return found;
}

void
claims_free(struct claim *claim)
{
	free(claim->verify);
	free(claim->worker);
	free(claim->spec);
	free(claim->last_result);
	free(claim->evidence);
	free(claim->files);
	free(claim->test_files);
	free(claim->last_outcome);
	free(claim->last_transcript);
	free(claim->last_result_commit);
	free(claim->session.id);
	free(claim->session.provider);
	free(claim->session.loop_id);
	free(claim->session.outcome);
	free(claim->session.transcript);
	free(claim->session.base_commit);
	free(claim->session.snapshot_ref);
	*claim = (struct claim){ 0 };
}
