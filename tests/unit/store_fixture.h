/*
 * What the tests of the store stand on: a directory of its own for each test,
 * a real database in it, and what is looked at with plain SQL. Whatever goes
 * wrong in here fails the test.
 */
#ifndef LOOPKEEPER_TESTS_STORE_FIXTURE_H
#define LOOPKEEPER_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/recovery.h"
#include "store/store.h"

extern char directory[64];  /* of this test */
extern char database[96];   /* coordination.db in it */
extern struct store *store; /* its database, open or not */
extern char said[1024];
/* How a loop that begins repairs what it left. */
extern const struct recovery repairs;

/* For cmocka: the directory alone, or with a new open database; and away with
 * all of it. */
int fixture_empty(void **state);
int fixture_open(void **state);
int fixture_remove(void **state);

/* What cmocka would hand to each test stands here. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define TEST(name, setup) \
	cmocka_unit_test_setup_teardown(name, setup, fixture_remove)

/* Writes "DIRECTORY/name" to a buffer that the next call writes over. */
const char *path_of(const char *name);

/* How many files of a folder have part in their names. */
int files_with(const char *folder, const char *part);

/* Opens the store once more, as store_open(). */
void open_again(enum store_mode mode);

/* Sees that what returned this, 0 or an error of the store, worked. */
void works(int result);

/* Notes the epoch; sees whether it is still that one. */
void keep_epoch(void);
void epoch_is(bool kept);

/* Does statements that stand between semicolons. */
void sql(const char *statements);

/* The number that a query gives; its text, good until the next call. */
int64_t number(const char *query);
const char *text(const char *query);

/* Sees that so many rows are there: has_rows(1, "tests WHERE id = 'T'"). */
void has_rows(int64_t expected, const char *from);

/* As another program would: by SQLite alone, several statements. */
void foreign(const char *statements);

/* A shell command in the directory, which must succeed. */
void shell(const char *command);

/* Adds "text " to what was said; sees that it is all of this, and begins
 * anew. */
void note_said(const char *text);
void was_said(const char *all);

#endif
