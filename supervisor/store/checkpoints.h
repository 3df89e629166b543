/* Where the integration branch was: before each attempt (written with it), and
 * whenever an operator says so. A rollback goes back to one. */
#ifndef LOOPKEEPER_STORE_CHECKPOINTS_H
#define LOOPKEEPER_STORE_CHECKPOINTS_H

#include <stddef.h>
#include <stdint.h>

#include "store/attempts.h"
#include "store/note.h"
#include "store/store.h"

#define CHECKPOINT_ID_SIZE 64

/* In SQL: that of a new row. */
#define CHECKPOINT_NEW_ID \
	NOTE_ROW_ID("checkpoints", "lower(hex(randomblob(8)))")

/* Texts as in queries_tests.h. */
struct checkpoint_row {
	const char *id;
	const char *loop_id;
	const char *test_id; /* "" for one of an operator */
	const char *git_ref; /* the commit */
	const char *checkpoint_type;
	const char *created_at;
};

/* Those of a loop, the newest first, at most limit of them (-1: all). Returns
 * 0, what each() returned, or -1 with errno of store.h. */
int checkpoints_each(struct store *s, const char *loop_id, int64_t limit,
    int (*each)(const struct checkpoint_row *row, void *argument),
    void *argument);

/* The loop and the commit of one (exact id). Returns 1, 0 when there is none,
 * or -1. */
int checkpoints_get(struct store *s, const char *id,
    char ret_loop[static TEXT_NAME_MAX + 1],
    char ret_commit[static ATTEMPT_COMMIT_SIZE]);

/* Adds one of type "manual" at a commit. Returns 0 with its id, or -1. */
int checkpoints_add(struct store *s, const char *loop_id, const char *commit,
    char ret_id[static CHECKPOINT_ID_SIZE]);

#endif
