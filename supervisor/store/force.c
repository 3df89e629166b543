#include <string.h>

#include <bsd/string.h>

#include "store/claims.h"
#include "store/edges.h"
#include "store/force.h"
#include "store/note.h"
#include "store/statement.h"

/* Of the locks of ?1, those that its loop gives back when its worker is gone.
 */
#define IS_OF_ATTEMPT "attempt_id IS NOT NULL AND locked_by = ?1"

/* What another program's loop is at: 1 with one of these tests, 0, -1. */
static int
reset_tests(struct store *s, const char *name, const char *why,
    char ret_test[static ATTEMPT_TEST_SIZE])
{
	return statement_get(s,
	    "UPDATE tests SET status = 'pending', reason = ?2"
	    " WHERE loop_id = ?1 AND status = 'in_progress'"
	    " AND NOT EXISTS (SELECT 1 FROM attempts a"
	    " WHERE a.test_id = tests.id AND a.ended_at IS NULL)"
	    " RETURNING id",
	    "tt>s", name, why, ret_test, (size_t)ATTEMPT_TEST_SIZE);
}

static int
note(struct store *s, const char *name, const char *by, const char *why,
    const struct force_released *r)
{
	int is_loop =
	    statement_get(s, "SELECT 1 FROM loops WHERE id = ?1", "t>", name);

	if (is_loop < 0)
		return -1;
	return note_event(s, by, "force_release", "ttttii",
	    is_loop > 0 || r->attempt_id[0] != '\0' ? "loop_id" : "component",
	    name, "test_id", r->test_id, "by", by, "reason", why, "files",
	    r->locks + r->left, "waits", r->edges);
}

int
force_release_within(struct store *s, const char *name, const char *by,
    const char *why, struct force_released *ret)
{
	int ended;

	*ret = (struct force_released){ 0 };
	ended = claims_interrupt_within(
	    s, name, by, why, ret->attempt_id, ret->test_id);
	if (ended == 0)
		ended = reset_tests(s, name, why, ret->test_id);
	if (ended < 0)
		return -1;
	/* What an older loopkeeper has locked for it. */
	if (ret->attempt_id[0] != '\0' &&
	    statement_run(s,
		"UPDATE file_locks SET attempt_id = ?3 WHERE locked_by = ?1"
		" AND test_id = ?2 AND attempt_id IS NULL",
		"ttt", name, ret->test_id, ret->attempt_id) < 0)
		return -1;
	ret->edges = edges_end(s, name, NULL);
	ret->left = force_left(s, name);
	if (ret->edges < 0 || ret->left < 0)
		return -1;
	ret->locks = statement_change(s,
	    "DELETE FROM file_locks WHERE locked_by = ?1"
	    " AND NOT (" IS_OF_ATTEMPT ")",
	    "t", name);
	if (ret->locks < 0)
		return -1;
	return ended + ret->edges + ret->locks + ret->left > 0
	    ? note(s, name, by, why, ret)
	    : 0;
}

void
force_keep_work(struct force_work *ret, const struct work_row *row)
{
	(void)strlcpy(ret->test_id, row->test_id, sizeof(ret->test_id));
	(void)strlcpy(ret->since, row->started_at, sizeof(ret->since));
}

/* 1 when it isn't the same: another attempt at the same test isn't. */
static int
differs(const struct work_row *row, void *argument)
{
	const struct force_work *shown = argument;
	struct force_work work;

	force_keep_work(&work, row);
	return strcmp(work.test_id, shown->test_id) != 0 ||
	    strcmp(work.since, shown->since) != 0;
}

int
force_release(struct store *s, const char *name, const char *by,
    const char *why, const struct force_work *shown, struct force_released *ret)
{
	struct force_work work;
	int result = 0;

	*ret = (struct force_released){ 0 };
	if (note_begin(s) < 0)
		return -1;
	if (shown != NULL) {
		work = *shown;
		result = queries_work(s, name, differs, &work);
	}
	if (result == 0)
		result = force_release_within(s, name, by, why, ret);
	return store_end(s, result);
}

int
force_left(struct store *s, const char *name)
{
	int n = 0;

	return statement_get(s,
		   "SELECT count(*) FROM file_locks WHERE " IS_OF_ATTEMPT,
		   "t>n", name, &n) < 0
	    ? -1
	    : n;
}
