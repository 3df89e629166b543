/*
 * Prepared statements with ?1 parameters, a thin layer over SQLite's. Errors
 * are noted in the store (store_error()).
 *
 * types tells what follows, one letter per parameter: t text (const char *,
 * NULL binds NULL), i int64_t, d double. Text is copied.
 */
#ifndef LOOPKEEPER_STORE_STATEMENT_H
#define LOOPKEEPER_STORE_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/*
 * Does one statement to its end; rows it returns are passed over. Returns the
 * number of rows changed (0 for what changes none), or -1.
 */
int statement_run(struct store *s, const char *sql, const char *types, ...);

/*
 * Prepares sql and binds its parameters. Returns a statement to step and then
 * statement_end(), or NULL with errno.
 */
struct sqlite3_stmt *
statement_query(struct store *s, const char *sql, const char *types, ...);

/* Binds again, after the last row or in the midst of them, for loops over
 * one prepared statement. Returns 0 or -1. */
int statement_bind(
    struct store *s, struct sqlite3_stmt *statement, const char *types, ...);

/* Next row: 1 there is one, 0 no more, -1 with errno. NULL gives -1, so that
 * statement_query() needs no check of its own. */
int statement_step(struct store *s, struct sqlite3_stmt *statement);

/* Columns of the current row, from 0. Texts live until the next step; a NULL
 * reads as "" and 0. */
const char *statement_text(struct sqlite3_stmt *statement, int column);
int64_t statement_int(struct sqlite3_stmt *statement, int column);
double statement_double(struct sqlite3_stmt *statement, int column);
bool statement_is_null(struct sqlite3_stmt *statement, int column);

/* Frees it (NULL is fine). Keeps errno. */
void statement_end(struct sqlite3_stmt *statement);

/*
 * The first column of the first row as a number. Returns 1, 0 when there is
 * no row (*ret is then untouched), or -1.
 */
int statement_int_of(
    struct store *s, int64_t *ret, const char *sql, const char *types, ...);

/* The same as text, cut at size. */
int statement_text_of(struct store *s, char *ret, size_t size, const char *sql,
    const char *types, ...);

#endif
