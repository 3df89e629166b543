/* The command `lock`: taking more than a claim does, and giving it back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/texts.h"
#include "store/attempts.h"
#include "store/deadlocks.h"
#include "store/edges.h"
#include "store/expiry.h"
#include "store/locks.h"
#include "store/note.h"
#include "store/overlap.h"
#include "store/statement.h"

/* What is known of the attempt, while it is held; zeroed without one. */
struct work {
	char test_id[ATTEMPT_TEST_SIZE];
	int64_t attempt;
};

/* 1 the attempt is the caller's, or he needs none; 0 it isn't; -1. */
static int
find_work(struct store *s, const struct lock_request *r, struct work *ret)
{
	*ret = (struct work){ 0 };
	if (r->attempt_id == NULL)
		return 1;
	return statement_get(s,
	    "SELECT t.id, ifnull(t.attempts, 0) + 1 FROM attempts a"
	    " JOIN tests t ON t.id = a.test_id WHERE a.id = ?1"
	    " AND a.loop_id = ?2 AND a.epoch = ?3 AND a.ended_at IS NULL"
	    " AND t.status = 'in_progress'",
	    "ttt>si", r->attempt_id, r->by, s->epoch, ret->test_id,
	    sizeof(ret->test_id), &ret->attempt);
}

/* Why an attempt is over. */
static int
say_ended(
    struct store *s, const struct lock_request *r, struct lock_answer *ret)
{
	char test_id[ATTEMPT_TEST_SIZE] = "", detail[ATTEMPT_DETAIL_SIZE] = "";

	if (statement_get(s,
		"SELECT a.test_id, (SELECT json_extract(e.payload, '$.detail')"
		" FROM events e WHERE e.test_id = a.test_id"
		" AND e.event_type = 'attempt_ended'"
		" AND json_extract(e.payload, '$.fence') = a.fence LIMIT 1)"
		" FROM attempts a WHERE a.id = ?1",
		"t>ss", r->attempt_id, test_id, sizeof(test_id), detail,
		sizeof(detail)) < 0)
		return -1;
	(void)snprintf(ret->why, sizeof(ret->why),
	    "the attempt%s%s isn't %s's any more%s%s",
	    test_id[0] != '\0' ? " at " : "", test_id, r->by,
	    detail[0] != '\0' ? ": " : "", detail);
	ret->result = LOCK_LOST;
	return 0;
}

/* Whether somebody without an attempt was made to let go since he began to
 * wait: 1, 0, -1. */
static int
find_release(
    struct store *s, const struct lock_request *r, struct lock_answer *ret)
{
	int found = statement_get(s,
	    "SELECT json_extract(payload, '$.reason') FROM events"
	    " WHERE (+component = ?1 OR +loop_id = ?1)"
	    " AND event_type = 'force_release' AND rowid > ?2 LIMIT 1",
	    "ti>s", r->by, r->mark, ret->why, sizeof(ret->why));

	if (found == 1)
		ret->result = LOCK_LOST;
	return found;
}

static int
insert(struct store *s, const struct lock_request *r, const struct work *work,
    char *const *paths)
{
	char expires[CLOCK_ISO_SIZE];
	bool of_attempt = r->attempt_id != NULL;

	expiry_format(s, expires, LOCK_TTL_MS);
	for (size_t i = 0; paths[i] != NULL; i++)
		if (statement_run(s,
			LOCK_INSERT " VALUES (?1, ?2, " NOTE_NOW ", ?3, ?4,"
				    " nullif(?5, ''), ?6, ?7) " LOCK_REPLACE,
			"ttttt"
			"ti",
			paths[i], r->by, r->reason, expires, work->test_id,
			r->attempt_id,
			(int64_t)(!of_attempt && r->renewed)) < 0)
			return -1;
	if (edges_end(s, r->by, paths) < 0)
		return -1;
	return note_event(s, r->by, "file_locked", "ttitti",
	    of_attempt ? "loop_id" : "component", r->by, "test_id",
	    work->test_id, "attempt", work->attempt, "file_path", paths[0],
	    "reason", r->reason, "files", (int64_t)texts_count(paths));
}

/* It can't have them: that it waits is written, and circles are broken. */
static int
wait_for(struct store *s, const struct lock_request *r, const struct work *work,
    struct lock_answer *ret)
{
	struct work left;
	int held;

	ret->result = LOCK_REFUSED;
	if (!r->waits)
		return 0;
	ret->mark = r->mark;
	if (!r->has_waited &&
	    statement_get(s, "SELECT ifnull(max(rowid), 0) FROM events", ">i",
		&ret->mark) < 0)
		return -1;
	for (size_t i = 0; r->paths[i] != NULL; i++)
		if (edges_wait(
			s, r->by, r->paths[i], work->test_id, LOCK_EDGE_MS) < 0)
			return -1;
	if (deadlocks_resolve_within(s, r->by) < 0)
		return -1;
	if (r->attempt_id == NULL) {
		struct lock_request since = *r;

		since.mark = ret->mark;
		return find_release(s, &since, ret) < 0 ? -1 : 0;
	}
	held = find_work(s, r, &left);
	return held < 0 ? -1 : held > 0 ? 0 : say_ended(s, r, ret);
}

static int
take(struct store *s, const struct lock_request *r, char *const *paths,
    void (*found)(const struct locks_conflict *, void *), void *argument,
    struct lock_answer *ret)
{
	struct work work;
	int n = find_work(s, r, &work);

	if (n <= 0)
		return n < 0 ? -1 : say_ended(s, r, ret);
	if (r->attempt_id == NULL && r->has_waited &&
	    (n = find_release(s, r, ret)) != 0)
		return n < 0 ? -1 : 0;
	n = locks_of_others(s, r->by, paths, found, argument);
	if (n != 0)
		return n < 0 ? -1 : wait_for(s, r, &work, ret);
	ret->result = LOCK_TAKEN;
	return insert(s, r, &work, paths);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
locks_take(struct store *s, const struct lock_request *request,
    void (*found)(const struct locks_conflict *conflict, void *argument),
    void *argument, struct lock_answer *ret)
{
	size_t n = texts_count(request->paths);
	char **paths = calloc(n + 1, sizeof(*paths));
	int result = -1;

	*ret = (struct lock_answer){ .result = LOCK_REFUSED };
	if (paths == NULL)
		return store_refuse(s, ENOMEM, "out of memory");
	(void)memcpy(paths, request->paths, n * sizeof(*paths));
	qsort(paths, n, sizeof(*paths), compare);
	if (overlap_register(s) == 0 && note_begin(s) == 0)
		result =
		    store_end(s, take(s, request, paths, found, argument, ret));
	free(paths);
	return result;
}

/* The locks that `by` (?1) has taken for the attempt ?2 or, with NULL, for
 * none. */
#define IS_RELEASED                                                        \
	"locked_by = ?1 AND attempt_id IS ?2"                              \
	" AND NOT EXISTS (SELECT 1 FROM attempts a, tests t"               \
	" WHERE a.loop_id = ?1 AND a.test_id = file_locks.test_id"         \
	" AND a.ended_at IS NULL AND t.id = a.test_id"                     \
	" AND (?2 IS NULL OR file_path IN (SELECT f.value FROM json_each(" \
	"CASE WHEN json_valid(t.files) THEN t.files ELSE '[]' END) f)))"

static int
release(
    struct store *s, const char *by, const char *attempt_id, char *const *paths)
{
	const struct lock_request r = { .by = by, .attempt_id = attempt_id };
	struct lock_answer answer;
	struct work work;
	int held = find_work(s, &r, &work), n = 0, one;

	if (held < 0 || (held == 0 && say_ended(s, &r, &answer) < 0))
		return -1;
	if (held == 0)
		return store_refuse(s, ESTALE, "%s", answer.why);
	if (paths == NULL)
		n = statement_change(s,
		    "DELETE FROM file_locks WHERE " IS_RELEASED, "tt", by,
		    attempt_id);
	for (; n >= 0 && paths != NULL && *paths != NULL; paths++) {
		one = statement_change(s,
		    "DELETE FROM file_locks WHERE file_path = ?3"
		    " AND " IS_RELEASED,
		    "ttt", by, attempt_id, *paths);
		n = one < 0 ? -1 : n + one;
	}
	if (n <= 0)
		return n;
	return note_event(s, by, "file_unlocked", "ti",
		   attempt_id != NULL ? "loop_id" : "component", by, "files",
		   (int64_t)n) < 0
	    ? -1
	    : n;
}

int
locks_release(
    struct store *s, const char *by, const char *attempt_id, char *const *paths)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, release(s, by, attempt_id, paths));
}
