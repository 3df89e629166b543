#include "store/checkpoints.h"
#include "store/note.h"
#include "store/schema.h"
#include "store/statement.h"

int
checkpoints_each(struct store *s, const char *loop_id, int64_t limit,
    int (*each)(const struct checkpoint_row *row, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT id, loop_id, test_id, git_ref, checkpoint_type, created_at"
	    " FROM checkpoints WHERE loop_id = ?1"
	    " ORDER BY " SCHEMA_CHECKPOINT_TIME " DESC, rowid DESC LIMIT ?2",
	    "ti", loop_id, limit);
	struct checkpoint_row row;
	int result;

	while ((result = statement_row(s, q, "tttttt", &row.id, &row.loop_id,
		    &row.test_id, &row.git_ref, &row.checkpoint_type,
		    &row.created_at)) == 1 &&
	    (result = each(&row, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

int
checkpoints_get(struct store *s, const char *id,
    char ret_loop[static TEXT_NAME_MAX + 1],
    char ret_commit[static ATTEMPT_COMMIT_SIZE])
{
	return statement_get(s,
	    "SELECT loop_id, git_ref FROM checkpoints WHERE id = ?1", "t>ss",
	    id, ret_loop, (size_t)TEXT_NAME_MAX + 1, ret_commit,
	    (size_t)ATTEMPT_COMMIT_SIZE);
}

int
checkpoints_add(struct store *s, const char *loop_id, const char *commit,
    char ret_id[static CHECKPOINT_ID_SIZE])
{
	return statement_get(s,
		   "INSERT INTO checkpoints"
		   " (id, loop_id, git_ref, checkpoint_type, created_at)"
		   " VALUES (" CHECKPOINT_NEW_ID ", ?1, ?2, 'manual',"
		   " " NOTE_NOW ") RETURNING id",
		   "tt>s", loop_id, commit, ret_id,
		   (size_t)CHECKPOINT_ID_SIZE) == 1
	    ? 0
	    : -1;
}
