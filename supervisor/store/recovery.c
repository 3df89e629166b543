#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "store/attempts.h"
#include "store/expiry.h"
#include "store/note.h"
#include "store/recovery.h"
#include "store/statement.h"

#define NAMED_MAX 10 /* tests named in one finding */
#define DIED	  "its loop died while it ran"

/* An owner, judged once, so that one transaction has one opinion of it. */
struct verdict {
	struct verdict *next;
	bool alive;
	char loop_id[];
};

struct run {
	struct store *s;
	const struct recovery *r;
	const char *only; /* the one loop this is about, or NULL for all */
	struct verdict *verdicts;
	struct recovery_counts counts;
	bool failed; /* out of memory in a verdict */
};

/* Attempts that are open though nobody works on them: GONE(loop, epoch). */
#define OPEN_ATTEMPT \
	"FROM attempts a WHERE a.test_id = tests.id AND a.ended_at IS NULL"

/* Those whose loops died while they merged. */
static const char integrating[] =
    "SELECT id, epoch, fence, test_id, loop_id, repository,"
    " integration_branch, result_commit FROM attempts WHERE ended_at IS NULL"
    " AND state = 'integrating' AND result_commit IS NOT NULL"
    " AND epoch = ?1 AND gone(loop_id, epoch)";

static const char reset_tests[] =
    "UPDATE tests SET status = 'pending', reason = '" DIED "'"
    " WHERE status = 'in_progress' AND CASE WHEN EXISTS (SELECT 1 " OPEN_ATTEMPT
    ") THEN NOT EXISTS (SELECT 1 " OPEN_ATTEMPT
    " AND NOT gone(a.loop_id, a.epoch)) ELSE gone(loop_id, NULL) END"
    " RETURNING id, loop_id";

static const char add_usage[] = ATTEMPT_ADD_USAGE "gone(loop_id, epoch)";

static const char close_attempts[] =
    "UPDATE attempts SET state = 'parked', outcome = 'interrupted',"
    " ended_at = " NOTE_NOW " WHERE ended_at IS NULL AND gone(loop_id, epoch)"
    " RETURNING test_id, loop_id, fence, id";

/* Of all at once (?2), locks of those who never were loops end by their time
 * only, unless they are renewed; and a lock that belongs to work that goes on
 * doesn't end at all. */
static const char delete_locks[] =
    "DELETE FROM file_locks WHERE"
    " (gone(locked_by, NULL) AND (NOT ?2 OR renewed = 1"
    " OR locked_by IN (SELECT id FROM loops)"
    " OR locked_by IN (SELECT loop_id FROM attempts)))"
    " OR (?2 AND julianday(expires_at) <= julianday(?1)"
    " AND NOT EXISTS (SELECT 1 FROM attempts a"
    " WHERE a.loop_id = file_locks.locked_by"
    " AND a.test_id = file_locks.test_id AND a.ended_at IS NULL))";

static const char delete_waits[] =
    "DELETE FROM wait_graph WHERE (gone(waiter, NULL)"
    " AND (NOT ?2 OR waiter IN (SELECT id FROM loops)))"
    " OR (gone(holder, NULL)"
    " AND (NOT ?2 OR holder IN (SELECT id FROM loops)))"
    " OR (?2 AND julianday(expires_at) <= julianday(?1))";

static const char close_checkpoints[] =
    "UPDATE checkpoints SET deleted_at = " NOTE_NOW
    " WHERE deleted_at IS NULL AND checkpoint_type = 'attempt'"
    " AND gone(loop_id, NULL) AND NOT EXISTS (SELECT 1 FROM attempts a"
    " WHERE a.test_id = checkpoints.test_id AND a.ended_at IS NULL)";

/* Who was to try a provider won't: the next one may. */
static const char leave_probes[] =
    "UPDATE gates SET probe_by = NULL, probe_until = NULL"
    " WHERE probe_by IS NOT NULL AND gone(probe_by, NULL)";

static const char stop_loops[] =
    "UPDATE loops SET current_test_id = NULL, pid = NULL,"
    " updated_at = " NOTE_NOW ","
    " status = CASE status WHEN 'running' THEN 'stopped' ELSE status END"
    " WHERE gone(id, NULL) AND (status = 'running' OR pid IS NOT NULL"
    " OR ifnull(current_test_id, '') <> '')";

static void
say(const struct run *run, const char *line)
{
	if (run->r->say != NULL)
		run->r->say(line, run->r->argument);
}

static bool
is_alive(struct run *run, const char *loop_id)
{
	size_t len = strlen(loop_id) + 1;
	struct verdict *v;

	for (v = run->verdicts; v != NULL; v = v->next)
		if (strcmp(v->loop_id, loop_id) == 0)
			return v->alive;
	v = malloc(sizeof(*v) + len);
	if (v == NULL) {
		run->failed = true;
		return true; /* what isn't known to be dead stays */
	}
	(void)memcpy(v->loop_id, loop_id, len);
	v->alive = run->r->is_alive != NULL &&
	    run->r->is_alive(loop_id, run->r->argument);
	v->next = run->verdicts;
	run->verdicts = v;
	return v->alive;
}

/* gone(loop_id, epoch): nobody works for it. An epoch that isn't the present
 * one makes the work void whoever lives. */
static void
gone(sqlite3_context *context, int n, sqlite3_value **values)
{
	struct run *run = sqlite3_user_data(context);
	const char *loop_id = (const char *)sqlite3_value_text(values[0]);
	const char *epoch = (const char *)sqlite3_value_text(values[1]);
	bool result;

	(void)n;
	if (loop_id == NULL)
		loop_id = "";
	if (run->only != NULL && strcmp(run->only, loop_id) != 0)
		result = false;
	else if (epoch != NULL && strcmp(epoch, run->s->epoch) != 0)
		result = true;
	else
		result = loop_id[0] == '\0' || !is_alive(run, loop_id);
	sqlite3_result_int(context, result);
}

/* "removed 3 locks". */
static void
say_count(const struct run *run, const char *verb, int64_t n, const char *what)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s %d %s%s", verb, (int)n, what,
	    n == 1 ? "" : "s");
	if (n > 0)
		say(run, line);
}

static int
repair_tests(struct run *run)
{
	struct sqlite3_stmt *rows = statement_query(run->s, reset_tests, "");
	char line[1024], names[768];
	const char *id, *loop_id;
	struct buf b, list;
	int more, n = 0;

	buf_init(&list, names, sizeof(names));
	while ((more = statement_row(run->s, rows, "tt", &id, &loop_id)) == 1) {
		if (n++ < NAMED_MAX)
			buf_addf(&list, "%s%s", n > 1 ? ", " : "", id);
		if (note_event(run->s, run->r->by, "test_reset", "ttt",
			"test_id", id, "loop_id", loop_id, "reason", DIED) < 0)
			break;
	}
	statement_end(rows);
	if (more != 0)
		return -1;
	run->counts.tests = n;
	if (n > NAMED_MAX)
		buf_addf(&list, " and %d more", n - NAMED_MAX);
	buf_init(&b, line, sizeof(line));
	buf_addf(&b, "reset %d test%s of dead loops: %s", n, n == 1 ? "" : "s",
	    names);
	text_clean(line);
	if (n > 0)
		say(run, line);
	return 0;
}

static int
repair_attempts(struct run *run)
{
	struct sqlite3_stmt *rows;
	const char *test_id, *loop_id, *id;
	int64_t fence;
	int more;

	if (statement_run(run->s, add_usage, "") < 0)
		return -1;
	rows = statement_query(run->s, close_attempts, "");
	while ((more = statement_row(run->s, rows, "ttit", &test_id, &loop_id,
		    &fence, &id)) == 1) {
		run->counts.attempts++;
		if (note_event(run->s, run->r->by, "attempt_ended", "ttttti",
			"loop_id", loop_id, "test_id", test_id, "attempt_id",
			id, "outcome", "interrupted", "detail", "its loop died",
			"fence", fence) < 0)
			break;
	}
	statement_end(rows);
	return more != 0 ? -1 : 0;
}

/* An attempt whose work is in the branch has passed, though it could not say
 * so any more. */
static int
finish_merged(struct run *run)
{
	struct sqlite3_stmt *rows =
	    statement_query(run->s, integrating, "t", run->s->epoch);
	struct attempt_end end = { .outcome = OUTCOME_PASSED,
		.tokens = ATTEMPT_UNKNOWN,
		.cost_micros = ATTEMPT_UNKNOWN };
	const char *repository, *branch, *commit;
	struct attempt_key key;
	int more;

	while ((more = statement_row(run->s, rows, "ssissttt", key.id,
		    sizeof(key.id), key.epoch, sizeof(key.epoch), &key.fence,
		    key.test_id, sizeof(key.test_id), key.loop_id,
		    sizeof(key.loop_id), &repository, &branch, &commit)) == 1) {
		if (run->r->is_merged(repository, branch, commit) != 1)
			continue;
		(void)snprintf(
		    end.result_commit, sizeof(end.result_commit), "%s", commit);
		key.attempt = 0;
		if (attempts_end_within(run->s, &key, &end) < 0)
			break;
		run->counts.merged++;
	}
	statement_end(rows);
	return more != 0 ? -1 : 0;
}

static int
repair(struct run *run)
{
	struct recovery_counts *c = &run->counts;
	char expired[CLOCK_ISO_SIZE];

	expiry_format(run->s, expired, 0);
	if (run->r->is_merged != NULL && finish_merged(run) < 0)
		return -1;
	if (repair_tests(run) < 0 || repair_attempts(run) < 0)
		return -1;
	c->locks = statement_change(
	    run->s, delete_locks, "ti", expired, (int64_t)(run->only == NULL));
	c->waits = statement_change(
	    run->s, delete_waits, "ti", expired, (int64_t)(run->only == NULL));
	c->checkpoints = statement_change(run->s, close_checkpoints, "");
	if (c->locks < 0 || c->waits < 0 || c->checkpoints < 0 ||
	    statement_run(run->s, leave_probes, "") < 0 ||
	    statement_run(run->s, stop_loops, "") < 0)
		return -1;
	say_count(run, "finished", c->merged, "merged attempt");
	say_count(run, "closed", c->attempts, "interrupted attempt");
	say_count(run, "removed", c->locks, "lock");
	say_count(run, "removed", c->waits, "wait edge");
	say_count(run, "closed", c->checkpoints, "stale checkpoint");
	return 0;
}

static int
note_done(struct run *run)
{
	const struct recovery_counts *c = &run->counts;

	if (run->only != NULL &&
	    c->merged + c->tests + c->attempts + c->locks + c->waits +
		    c->checkpoints ==
		0)
		return 0;
	return note_event(run->s, run->r->by, "recovery_done", "tiiiiii",
	    "loop_id", run->only, "merged", c->merged, "tests", c->tests,
	    "attempts", c->attempts, "locks", c->locks, "waits", c->waits,
	    "checkpoints", c->checkpoints);
}

/* Between begin and commit. */
static int
repair_all(struct run *run)
{
	int rc = sqlite3_create_function(
	    run->s->db, "gone", 2, SQLITE_UTF8, run, gone, NULL, NULL);
	int result;

	if (rc != SQLITE_OK)
		return store_fail(run->s, rc, "gone()");
	result = repair(run);
	if (result == 0)
		result = note_done(run);
	(void)sqlite3_create_function(
	    run->s->db, "gone", 2, SQLITE_UTF8, NULL, NULL, NULL, NULL);
	if (result == 0 && run->failed)
		result = store_refuse(run->s, ENOMEM, "out of memory");
	return result;
}

static int
run_all(struct run *run)
{
	int result = store_begin(run->s);

	if (result != 0)
		return result;
	if (run->only != NULL && is_alive(run, run->only)) {
		store_rollback(run->s);
		return 0;
	}
	result = repair_all(run);
	if (result == 0 && run->r->dry_run)
		store_rollback(run->s);
	else
		result = store_end(run->s, result);
	return result;
}

int
recovery_run(struct store *s, const struct recovery *r, const char *loop_id,
    struct recovery_counts *ret)
{
	struct run run = { .s = s, .r = r, .only = loop_id };
	struct verdict *v;
	int result = run_all(&run);

	if (result == 0 && ret != NULL)
		*ret = run.counts;
	while ((v = run.verdicts) != NULL) {
		run.verdicts = v->next;
		free(v);
	}
	return result;
}
