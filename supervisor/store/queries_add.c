#include <stddef.h>

#include "base/clock.h"
#include "store/queries_add.h"
#include "store/statement.h"

static const char *
or_null(const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : text;
}

/* The columns that have defaults; complete() fills in the others. */
static int
insert(struct store *s, const struct test_row *t, const char *now)
{
	return statement_run(s,
	    "INSERT INTO tests (id, loop_id, category, status, attempts, "
	    "max_attempts, automatable, sort_order, created_at) VALUES "
	    "(?1, ?2, ?3, ifnull(?4, 'pending'), ?5, nullif(?6, 0), ?7, ?8, "
	    "ifnull(?9, ?10)) ON CONFLICT (id) DO NOTHING",
	    "ttttiiiitt", t->id, or_null(t->loop_id), or_null(t->category),
	    or_null(t->status), t->attempts, t->max_attempts, t->automatable,
	    t->sort_order, or_null(t->created_at), now);
}

static int
complete(struct store *s, const struct test_row *t)
{
	return statement_run(s,
	    "UPDATE tests SET last_result = ?2, depends_on = ?3, notes = ?4, "
	    "spec_content = ?5, last_attempt_at = ?6, passed_at = ?7, "
	    "verified_at = ?8, verify = ?9, worker = ?10, files = ?11, "
	    "test_files = ?12, reason = ?13 WHERE id = ?1",
	    "ttttttttttttt", t->id, or_null(t->last_result),
	    or_null(t->depends_on), or_null(t->notes), or_null(t->spec_content),
	    or_null(t->last_attempt_at), or_null(t->passed_at),
	    or_null(t->verified_at), or_null(t->verify), or_null(t->worker),
	    or_null(t->files), or_null(t->test_files), or_null(t->reason));
}

int
queries_add_test(struct store *s, const struct test_row *test)
{
	char now[CLOCK_ISO_SIZE];
	int added;

	clock_format_iso(now, clock_wall_ms());
	added = insert(s, test, now);
	if (added <= 0)
		return added;
	return complete(s, test) < 0 ? -1 : 1;
}

int
queries_add_loop(
    struct store *s, const char *id, const char *title, int64_t priority)
{
	return statement_run(s,
	    "INSERT INTO loops (id, name, priority) VALUES (?1, ?2, ?3) "
	    "ON CONFLICT (id) DO NOTHING",
	    "tti", id, or_null(title), priority);
}

int
queries_last_sort_order(struct store *s, const char *loop_id, int64_t *ret)
{
	*ret = 0;
	return statement_int_of(s, ret,
		   "SELECT ifnull(max(sort_order), 0) FROM tests "
		   "WHERE loop_id = ?1",
		   "t", loop_id) < 0
	    ? -1
	    : 0;
}
