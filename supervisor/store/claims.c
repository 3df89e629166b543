#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/claims.h"
#include "store/expiry.h"
#include "store/note.h"
#include "store/overlap.h"
#include "store/statement.h"

/* The patterns of a test's files; what is no JSON locks nothing. */
#define FILES(t)                                                       \
	"json_each(CASE WHEN json_valid(" t ".files) THEN " t ".files" \
	" ELSE '[]' END)"

/* May be run by the loop ?1, its files left aside. */
#define IS_NEXT                                                             \
	"t.loop_id = ?1 AND t.status = 'pending'"                           \
	" AND ifnull(t.automatable, 1) <> 0"                                \
	" AND (ifnull(t.depends_on, '') = '' OR EXISTS (SELECT 1"           \
	" FROM tests d WHERE d.id = t.depends_on AND d.status = 'passed'))" \
	" AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.test_id = t.id"  \
	" AND a.ended_at IS NULL)"

#define IS_UNLOCKED                                                     \
	" AND NOT EXISTS (SELECT 1 FROM " FILES(                        \
	    "t") " f"                                                   \
		 " JOIN file_locks l ON overlaps(f.value, l.file_path)" \
		 " WHERE l.locked_by <> ?1)"

/* ?2 is set in mode slow. */
#define IS_APART                                                    \
	" AND NOT (?2 AND EXISTS (SELECT 1 FROM tests o, " FILES(   \
	    "t") " f,"                                              \
		 " " FILES("o") " g WHERE o.status = 'in_progress'" \
				" AND overlaps(f.value, g.value)))"

static char *
copy(const char *text, bool *failed)
{
	char *result = strdup(text);

	*failed |= result == NULL;
	return result;
}

/* The one statement that picks a test and marks it. 1 one, 0 none, -1. */
static int
pick(struct store *s, const struct claim_request *request, struct claim *c,
    const char *now)
{
	bool failed = false;
	struct sqlite3_stmt *q = statement_query(s,
	    "UPDATE tests SET status = 'in_progress', last_attempt_at = ?3,"
	    " reason = NULL WHERE id = (SELECT t.id FROM tests t WHERE " IS_NEXT
		IS_UNLOCKED IS_APART " ORDER BY t.sort_order, t.id LIMIT 1)"
	    " RETURNING id, ifnull(attempts, 0) + 1,"
	    " ifnull(nullif(max_attempts, 0), ?4), verify, worker,"
	    " spec_content, last_result",
	    "titi", request->loop_id, (int64_t)request->no_overlap, now,
	    (int64_t)request->max_attempts);
	int found = statement_step(s, q);

	if (found == 1) {
		(void)snprintf(c->key.test_id, sizeof(c->key.test_id), "%s",
		    statement_text(q, 0));
		c->key.attempt = (int)statement_int(q, 1);
		c->max_attempts = (int)statement_int(q, 2);
		c->verify = copy(statement_text(q, 3), &failed);
		c->worker = copy(statement_text(q, 4), &failed);
		c->spec = copy(statement_text(q, 5), &failed);
		c->last_result = copy(statement_text(q, 6), &failed);
	}
	statement_end(q);
	return failed ? -1 : found;
}

static int
add_attempt(
    struct store *s, struct claim *c, const char *boot_id, const char *now)
{
	char lease[CLOCK_ISO_SIZE];
	struct attempt_key *key = &c->key;

	expiry_format(s, lease, CLAIM_LEASE_MS);
	if (statement_run(s,
		"INSERT INTO attempts (id, epoch, test_id, loop_id, fence,"
		" state, lease_until, started_at, boot_id)"
		" SELECT ?1, ?2, ?3, ?4, ifnull(max(fence), 0) + 1, 'claimed',"
		" ?5, ?6, ?7 FROM attempts WHERE test_id = ?3",
		"ttttttt", key->id, key->epoch, key->test_id, key->loop_id,
		lease, now, boot_id) < 0 ||
	    statement_int_of(s, &key->fence,
		"SELECT fence FROM attempts WHERE id = ?1", "t", key->id) <= 0)
		return -1;
	return statement_run(s,
		   "UPDATE loops SET current_test_id = ?2, updated_at = ?3"
		   " WHERE id = ?1",
		   "ttt", key->loop_id, key->test_id, now) < 0
	    ? -1
	    : 0;
}

/* All of the test's files or none, in the order of their paths. */
static int
add_locks(struct store *s, struct claim *c, const char *now)
{
	const struct attempt_key *key = &c->key;
	char lease[CLOCK_ISO_SIZE];

	expiry_format(s, lease, CLAIM_LEASE_MS);
	c->nlocks = statement_run(s,
	    "INSERT INTO file_locks (file_path, locked_by, locked_at,"
	    " lock_reason, expires_at, test_id) SELECT DISTINCT f.value, ?2,"
	    " ?3, 'attempt ' || ?4 || ' at ' || ?1, ?5, ?1"
	    " FROM tests t, " FILES(
		"t") " f WHERE t.id = ?1 ORDER BY f.value"
		     " ON CONFLICT (file_path) DO UPDATE SET"
		     " locked_by = excluded.locked_by, locked_at = "
		     "excluded.locked_at,"
		     " lock_reason = excluded.lock_reason,"
		     " expires_at = excluded.expires_at, test_id = "
		     "excluded.test_id",
	    "tttit", key->test_id, key->loop_id, now, (int64_t)key->attempt,
	    lease);
	if (c->nlocks > 0)
		return note_event(s, key->loop_id, "file_locked", "ttii",
		    "loop_id", key->loop_id, "test_id", key->test_id, "attempt",
		    (int64_t)key->attempt, "files", (int64_t)c->nlocks);
	return c->nlocks < 0 ? -1 : 0;
}

/* The claim between begin and commit. 1 claimed, 0 nothing to claim, -1. */
static int
take(struct store *s, const struct claim_request *request, struct claim *c)
{
	char now[CLOCK_ISO_SIZE];
	int found;

	note_time(now, 0);
	uuid_new(c->key.id);
	(void)snprintf(c->key.epoch, sizeof(c->key.epoch), "%s", s->epoch);
	(void)snprintf(
	    c->key.loop_id, sizeof(c->key.loop_id), "%s", request->loop_id);
	found = pick(s, request, c, now);
	if (found <= 0)
		return found;
	if (add_attempt(s, c, request->boot_id, now) < 0 ||
	    add_locks(s, c, now) < 0 ||
	    note_event(s, c->key.loop_id, "test_started", "ttiii", "loop_id",
		c->key.loop_id, "test_id", c->key.test_id, "attempt",
		(int64_t)c->key.attempt, "of", (int64_t)c->max_attempts,
		"fence", c->key.fence) < 0)
		return -1;
	return 1;
}

int
claims_take(struct store *s, const struct claim_request *request,
    struct claim *ret, bool *ret_locked)
{
	struct claim c = { 0 };
	int64_t one;
	int found;

	if (note_begin(s) < 0 || overlap_register(s) < 0) {
		store_rollback(s);
		return -1;
	}
	found = take(s, request, &c);
	if (found == 0 && ret_locked != NULL)
		*ret_locked =
		    statement_int_of(s, &one,
			"SELECT 1 FROM tests t WHERE " IS_NEXT " LIMIT 1", "t",
			request->loop_id) == 1;
	if (found <= 0) {
		store_rollback(s);
	} else if (store_commit(s) < 0) {
		found = -1;
	}
	if (found == 1)
		*ret = c;
	else
		claims_free(&c);
	return found;
}

void
claims_free(struct claim *claim)
{
	free(claim->verify);
	free(claim->worker);
	free(claim->spec);
	free(claim->last_result);
	*claim = (struct claim){ 0 };
}

/* ?1 id, ?2 epoch, ?3 fence: the attempt is open and its test in progress. */
#define IS_HELD                                                            \
	"id = ?1 AND epoch = ?2 AND fence = ?3 AND ended_at IS NULL"       \
	" AND EXISTS (SELECT 1 FROM tests t WHERE t.id = attempts.test_id" \
	" AND t.status = 'in_progress')"

int
claims_renew(struct store *s, const struct attempt_key *key)
{
	int begun = store_begin(s), renewed;
	char lease[CLOCK_ISO_SIZE];

	if (begun != 0)
		return begun < 0 ? -1 : 0;
	expiry_format(s, lease, CLAIM_LEASE_MS);
	renewed = statement_run(s,
	    "UPDATE attempts SET lease_until = ?4 WHERE " IS_HELD, "ttit",
	    key->id, key->epoch, key->fence, lease);
	if (renewed > 0 &&
	    statement_run(s,
		"UPDATE file_locks SET expires_at = ?3"
		" WHERE test_id = ?1 AND locked_by = ?2",
		"ttt", key->test_id, key->loop_id, lease) < 0)
		renewed = -1;
	if (renewed < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s) < 0 ? -1 : renewed;
}

int
claims_held(struct store *s, const struct attempt_key *key)
{
	int64_t one;

	return statement_int_of(s, &one,
	    "SELECT 1 FROM attempts WHERE " IS_HELD, "tti", key->id, key->epoch,
	    key->fence);
}

int
claims_version(struct store *s, int64_t *ret)
{
	return statement_int_of(s, ret, "PRAGMA data_version", "") == 1 ? 0
									: -1;
}

int
claims_count(struct store *s, const char *loop_id, struct claim_counts *ret)
{
	struct claim_counts counts;
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT ifnull(sum(status = 'passed'), 0),"
	    " ifnull(sum(status IN ('failed', 'blocked')), 0),"
	    " ifnull(sum(status = 'pending'), 0),"
	    " ifnull(sum(status = 'in_progress'), 0),"
	    " ifnull(sum(status = 'skipped'), 0)"
	    " FROM tests WHERE loop_id = ?1",
	    "t", loop_id);
	int found = statement_step(s, q);

	if (found == 1) {
		counts = (struct claim_counts){
			.passed = statement_int(q, 0),
			.failed = statement_int(q, 1),
			.pending = statement_int(q, 2),
			.in_progress = statement_int(q, 3),
			.skipped = statement_int(q, 4),
		};
		*ret = counts;
	}
	statement_end(q);
	return found == 1 ? 0 : -1;
}
