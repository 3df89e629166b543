#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "store/expiry.h"
#include "store/note.h"
#include "store/recovery.h"
#include "store/statement.h"

#define NAMED_MAX 10 /* tests named in one finding */

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
	char now[CLOCK_ISO_SIZE];
	bool failed; /* out of memory in a verdict */
};

/* Attempts that are open though nobody works on them: GONE(loop, epoch). */
#define OPEN_ATTEMPT \
	"FROM attempts a WHERE a.test_id = tests.id AND a.ended_at IS NULL"

static const char reset_tests[] = "UPDATE tests SET status = 'pending',"
				  " reason = 'its loop died while it ran'"
				  " WHERE status = 'in_progress' AND CASE"
				  " WHEN EXISTS (SELECT 1 " OPEN_ATTEMPT ")"
				  " THEN NOT EXISTS (SELECT 1 " OPEN_ATTEMPT
				  " AND NOT gone(a.loop_id, a.epoch))"
				  " ELSE gone(loop_id, NULL) END"
				  " RETURNING id, ifnull(loop_id, '')";

static const char close_attempts[] =
    "UPDATE attempts SET state = 'parked', outcome = 'interrupted',"
    " ended_at = ?1 WHERE ended_at IS NULL AND gone(loop_id, epoch)"
    " RETURNING id, test_id, loop_id, fence";

/* Locks of those who never were loops end by their time only, and a lock that
 * belongs to work that goes on doesn't end at all. */
static const char delete_locks[] =
    "DELETE FROM file_locks WHERE"
    " (gone(locked_by, NULL) AND"
    " (locked_by IN (SELECT id FROM loops)"
    " OR locked_by IN (SELECT loop_id FROM attempts)))"
    " OR (?2 AND julianday(expires_at) <= julianday(?1)"
    " AND NOT EXISTS (SELECT 1 FROM attempts a"
    " WHERE a.loop_id = file_locks.locked_by"
    " AND a.test_id = file_locks.test_id AND a.ended_at IS NULL))";

static const char delete_waits[] =
    "DELETE FROM wait_graph WHERE"
    " (gone(waiter, NULL) AND waiter IN (SELECT id FROM loops))"
    " OR (gone(holder, NULL) AND holder IN (SELECT id FROM loops))";

static const char close_checkpoints[] =
    "UPDATE checkpoints SET deleted_at = ?1"
    " WHERE deleted_at IS NULL AND checkpoint_type = 'attempt'"
    " AND gone(loop_id, NULL) AND NOT EXISTS (SELECT 1 FROM attempts a"
    " WHERE a.test_id = checkpoints.test_id AND a.ended_at IS NULL)";

static const char stop_loops[] =
    "UPDATE loops SET current_test_id = NULL, pid = NULL, updated_at = ?1,"
    " status = CASE status WHEN 'running' THEN 'stopped' ELSE status END"
    " WHERE gone(id, NULL) AND (status = 'running' OR pid IS NOT NULL"
    " OR current_test_id IS NOT NULL)";

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
	v->alive = run->r->is_alive(loop_id, run->r->argument);
	v->next = run->verdicts;
	run->verdicts = v;
	return v->alive;
}

static void
free_verdicts(struct run *run)
{
	struct verdict *v;

	while ((v = run->verdicts) != NULL) {
		run->verdicts = v->next;
		free(v);
	}
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

static int
note_test(struct run *run, struct sqlite3_stmt *row)
{
	return note_event(run->s, run->r->by, "test_reset", "ttt", "test_id",
	    statement_text(row, 0), "loop_id", statement_text(row, 1), "reason",
	    "its loop died while it ran");
}

static int
note_attempt(struct run *run, struct sqlite3_stmt *row)
{
	return note_event(run->s, run->r->by, "attempt_ended", "ttttti",
	    "loop_id", statement_text(row, 2), "test_id",
	    statement_text(row, 1), "attempt_id", statement_text(row, 0),
	    "outcome", "interrupted", "detail", "its loop died", "fence",
	    statement_int(row, 3));
}

/*
 * Runs what returns the rows it changed, notes each, and collects the first
 * column of the first ones in names (may be NULL). Returns how many, or -1.
 */
static int
change(struct run *run, const char *sql, const char *parameter,
    int (*note)(struct run *run, struct sqlite3_stmt *row), struct buf *names)
{
	struct sqlite3_stmt *rows = parameter != NULL
	    ? statement_query(run->s, sql, "t", parameter)
	    : statement_query(run->s, sql, "");
	int more, n = 0;

	for (; (more = statement_step(run->s, rows)) == 1; n++) {
		if (note(run, rows) < 0) {
			more = -1;
			break;
		}
		if (names != NULL && n < NAMED_MAX)
			buf_addf(names, "%s%s", n > 0 ? ", " : "",
			    statement_text(rows, 0));
	}
	statement_end(rows);
	return more < 0 ? -1 : n;
}

static int
repair_tests(struct run *run)
{
	char line[1024], names[768];
	struct buf b, list;
	int n;

	buf_init(&list, names, sizeof(names));
	n = change(run, reset_tests, NULL, note_test, &list);
	if (n < 0)
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
repair(struct run *run)
{
	struct recovery_counts *c = &run->counts;
	char expired[CLOCK_ISO_SIZE];

	expiry_format(run->s, expired, 0);
	if (repair_tests(run) < 0)
		return -1;
	c->attempts = change(run, close_attempts, run->now, note_attempt, NULL);
	if (c->attempts < 0)
		return -1;
	c->locks = statement_run(
	    run->s, delete_locks, "ti", expired, (int64_t)(run->only == NULL));
	c->waits = statement_run(run->s, delete_waits, "");
	c->checkpoints =
	    statement_run(run->s, close_checkpoints, "t", run->now);
	if (c->locks < 0 || c->waits < 0 || c->checkpoints < 0 ||
	    statement_run(run->s, stop_loops, "t", run->now) < 0)
		return -1;
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
	    c->tests + c->attempts + c->locks + c->waits + c->checkpoints == 0)
		return 0;
	return note_event(run->s, run->r->by, "recovery_done", "tiiiii",
	    "loop_id", run->only, "tests", c->tests, "attempts", c->attempts,
	    "locks", c->locks, "waits", c->waits, "checkpoints",
	    c->checkpoints);
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
run_all(struct run *run, struct recovery_counts *ret)
{
	int begun = store_begin(run->s);

	if (begun != 0)
		return begun;
	if (run->only != NULL && is_alive(run, run->only)) {
		store_rollback(run->s);
		return 0;
	}
	note_time(run->now, 0);
	if (repair_all(run) < 0) {
		store_rollback(run->s);
		return -1;
	}
	if (run->r->dry_run)
		store_rollback(run->s);
	else if (store_commit(run->s) < 0)
		return -1;
	*ret = run->counts;
	return 0;
}

int
recovery_run(
    struct store *s, const struct recovery *r, struct recovery_counts *ret)
{
	struct run run = { .s = s, .r = r };
	int result = run_all(&run, ret);

	free_verdicts(&run);
	return result;
}

int
recovery_run_loop(struct store *s, const struct recovery *r,
    const char *loop_id, struct recovery_counts *ret)
{
	struct run run = { .s = s, .r = r, .only = loop_id };
	int result;

	*ret = (struct recovery_counts){ 0 };
	result = run_all(&run, ret);
	free_verdicts(&run);
	return result;
}
