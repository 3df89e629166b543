/* How conflicts come to be known. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/conflicts.h"
#include "store/note.h"
#include "store/statement.h"

#define JSON_SIZE 8192
#define NAMED_MAX 5 /* files, in an event */

/* The row ?1 = CON-..., of two attempts or, as ?5 and ?6, what there is. */
#define IS_OF_THE_TWO                                   \
	"((first_attempt = ?1 AND second_attempt = ?2)" \
	" OR (first_attempt = ?2 AND second_attempt = ?1))"

/* As many as there is room for. */
static void
list_json(char ret[static JSON_SIZE], char *const *files)
{
	struct buf b, before;

	/* Room is left for the end. */
	buf_init(&b, ret, JSON_SIZE - 1);
	buf_add(&b, "[");
	for (size_t i = 0; files[i] != NULL && !b.cut; i++) {
		before = b;
		buf_add(&b, i > 0 ? "," : "");
		buf_add_json(&b, files[i]);
		if (b.cut)
			ret[b.len = before.len] = '\0';
	}
	(void)memcpy(ret + b.len, "]", 2);
}

static void
list_names(char *ret, size_t size, char *const *files)
{
	struct buf b;
	size_t n = 0;

	buf_init(&b, ret, size);
	for (; files[n] != NULL; n++)
		if (n < NAMED_MAX)
			buf_addf(&b, "%s%s", n > 0 ? ", " : "", files[n]);
	if (n > NAMED_MAX)
		buf_addf(&b, " and %zu more", n - NAMED_MAX);
}

static int
note_conflict(struct store *s, const char *id, char *const *files,
    const struct conflict_side *one, const struct conflict_side *other,
    const char *by)
{
	char names[CONFLICT_FILES_SIZE];

	list_names(names, sizeof(names), files);
	return note_event(s, by, "file_conflict", "tttttt", "loop_id",
	    one->loop_id, "test_id", one->test_id, "conflict", id, "file_path",
	    names, "holder", other->loop_id, "holder_test", other->test_id);
}

/* An attempt that is open. 1, 0, -1. */
static int
read_side(struct store *s, const char *attempt, struct conflict_side *ret)
{
	return statement_get(s,
	    "SELECT loop_id, test_id, id FROM attempts"
	    " WHERE id = ?1 AND ended_at IS NULL",
	    "t>sss", attempt, ret->loop_id, sizeof(ret->loop_id), ret->test_id,
	    sizeof(ret->test_id), ret->attempt_id, sizeof(ret->attempt_id));
}

/* Both of them. 1, 0 one has ended, -1. */
static int
read_sides(struct store *s, const char *attempt, const char *other,
    struct conflict_side ret[static 2])
{
	int found = read_side(s, attempt, &ret[0]);

	return found == 1 ? read_side(s, other, &ret[1]) : found;
}

static int
insert(struct store *s, const struct conflict_side *first,
    const struct conflict_side *second, char *const *files, const char *outcome,
    char ret_id[static CONFLICT_ID_SIZE])
{
	char json[JSON_SIZE];

	list_json(json, files);
	return statement_get(s,
	    "INSERT INTO conflicts (id, files, first_loop, first_test,"
	    " first_attempt, second_loop, second_test, second_attempt, status,"
	    " outcome, detected_at, closed_at) SELECT printf('CON-%03d',"
	    " ifnull(max(CAST(substr(id, 5) AS INTEGER)), 0) + 1), ?1,"
	    " nullif(?2, ''), nullif(?3, ''), nullif(?4, ''), ?5, ?6, ?7,"
	    " CASE WHEN ?8 IS NULL THEN 'open' ELSE 'closed' END, ?8,"
	    " " NOTE_NOW ", CASE WHEN ?8 IS NOT NULL THEN " NOTE_NOW " END"
	    " FROM conflicts WHERE id LIKE 'CON-%' RETURNING id",
	    "tttttttt>s", json, first->loop_id, first->test_id,
	    first->attempt_id, second->loop_id, second->test_id,
	    second->attempt_id, outcome, ret_id, (size_t)CONFLICT_ID_SIZE);
}

int
conflicts_known(struct store *s, const char *attempt, const char *other)
{
	return statement_get(s,
	    "SELECT 1 FROM conflicts WHERE " IS_OF_THE_TWO " LIMIT 1", "tt>",
	    attempt, other);
}

static int
open_one(struct store *s, const char *attempt, const char *other,
    char *const *files, const char *by)
{
	struct conflict_side sides[2];
	char id[CONFLICT_ID_SIZE];
	int found = conflicts_known(s, attempt, other);

	if (found != 0)
		return found < 0 ? -1 : 0;
	found = read_sides(s, attempt, other, sides);
	if (found <= 0)
		return found;
	return insert(s, &sides[0], &sides[1], files, NULL, id) <= 0 ||
		note_conflict(s, id, files, &sides[1], &sides[0], by) < 0
	    ? -1
	    : 1;
}

int
conflicts_open(struct store *s, const char *attempt, const char *other,
    char *const *files, const char *by)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, open_one(s, attempt, other, files, by));
}

static int
note_clean(struct store *s, const char *attempt, const char *other,
    char *const *files, const char *by)
{
	char names[CONFLICT_FILES_SIZE];
	struct conflict_side sides[2];
	int found = read_sides(s, attempt, other, sides);

	if (found <= 0)
		return found;
	list_names(names, sizeof(names), files);
	/* A monitor that begins anew looks at them again. */
	found = statement_get(s,
	    "SELECT 1 FROM events WHERE test_id = ?1"
	    " AND event_type = 'same_file_changed'"
	    " AND json_extract(payload, '$.attempt_id') = ?2"
	    " AND json_extract(payload, '$.holder_attempt') = ?3"
	    " AND json_extract(payload, '$.file_path') = ?4 LIMIT 1",
	    "tttt>", sides[1].test_id, other, attempt, names);
	if (found != 0)
		return found < 0 ? -1 : 0;
	return note_event(s, by, "same_file_changed", "ttttttt", "loop_id",
		   sides[1].loop_id, "test_id", sides[1].test_id, "attempt_id",
		   other, "file_path", names, "holder", sides[0].loop_id,
		   "holder_test", sides[0].test_id, "holder_attempt",
		   attempt) < 0
	    ? -1
	    : 1;
}

int
conflicts_note_clean(struct store *s, const char *attempt, const char *other,
    char *const *files, const char *by)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, note_clean(s, attempt, other, files, by));
}

/* The open one between the two, if there is one, is over. 1, 0, -1. */
static int
close_open(struct store *s, const char *attempt, const char *other,
    const char *outcome, char ret_id[static CONFLICT_ID_SIZE])
{
	return statement_get(s,
	    "UPDATE conflicts SET status = 'closed', outcome = ?3,"
	    " closed_at = " NOTE_NOW " WHERE " IS_OF_THE_TWO
	    " AND closed_at IS NULL RETURNING id",
	    "ttt>s", attempt, other, outcome, ret_id, (size_t)CONFLICT_ID_SIZE);
}

static int
meet(struct store *s, const struct attempt_key *key,
    const struct conflict_side *other, const char *outcome, char *const *files)
{
	char names[CONFLICT_FILES_SIZE], id[CONFLICT_ID_SIZE];
	struct conflict_side mine = { 0 };
	int found;

	(void)snprintf(mine.loop_id, sizeof(mine.loop_id), "%s", key->loop_id);
	(void)snprintf(mine.test_id, sizeof(mine.test_id), "%s", key->test_id);
	(void)snprintf(mine.attempt_id, sizeof(mine.attempt_id), "%s", key->id);
	found = close_open(s, key->id, other->attempt_id, outcome, id);
	if (found < 0 ||
	    (found == 0 &&
		(insert(s, other, &mine, files, outcome, id) <= 0 ||
		    note_conflict(s, id, files, &mine, other, key->loop_id) <
			0)))
		return -1;
	list_names(names, sizeof(names), files);
	return note_event(s, key->loop_id, "conflict_resolved", "ttttt",
	    "loop_id", key->loop_id, "test_id", key->test_id, "conflict", id,
	    "file_path", names, "outcome", outcome);
}

int
conflicts_met(struct store *s, const struct attempt_key *key,
    const struct conflict_side *other, const char *commit, char *const *files)
{
	struct conflict_side side = *other;
	char outcome[64];
	int result;

	(void)snprintf(outcome, sizeof(outcome),
	    "done again on the new tip, which has %.12s", commit);
	if (note_begin(s) < 0)
		return -1;
	result = statement_get(s,
	    "SELECT id FROM attempts WHERE test_id = ?1 AND loop_id = ?2"
	    " AND result_commit = ?3 AND outcome = 'passed'",
	    "ttt>s", side.test_id, side.loop_id, commit, side.attempt_id,
	    sizeof(side.attempt_id));
	if (result >= 0)
		result = meet(s, key, &side, outcome, files);
	return store_end(s, result);
}
