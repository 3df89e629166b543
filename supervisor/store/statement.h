/*
 * Prepared statements with ?1 parameters, a thin layer over SQLite's. Errors
 * are noted in the store (store_error()).
 *
 * types tells what follows, one letter each. What goes into a statement:
 *   t  const char *, copied; NULL binds NULL
 *   i  int64_t
 *   d  double
 * What comes out of a row, from its first column on; a NULL reads as "" and 0:
 *   t  const char **, lives until the next step
 *   s  char * and size_t, copied, cut at that size
 *   m  char **, a copy to be freed
 *   i  int64_t *
 *   n  int *
 *   b  bool *
 *   d  double *
 */
#ifndef LOOPKEEPER_STORE_STATEMENT_H
#define LOOPKEEPER_STORE_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/* Does one statement to its end; rows it returns are passed over. Returns 0
 * or -1. */
int statement_run(struct store *s, const char *sql, const char *types, ...);

/* The same, but returns the number of rows changed (0 for what changes none),
 * or -1. */
int statement_change(struct store *s, const char *sql, const char *types, ...);

/*
 * The first row. What goes in and what comes out stand on both sides of a
 * '>': "tt>i". Returns 1, 0 when there is no row, or -1; unless 1, nothing is
 * written to what would come out.
 */
int statement_get(struct store *s, const char *sql, const char *types, ...);

/*
 * Prepares sql and binds its parameters. Returns a statement for
 * statement_row() and then statement_end(), or NULL with errno.
 */
struct sqlite3_stmt *
statement_query(struct store *s, const char *sql, const char *types, ...);

/* Binds again, after the last row or in the midst of them, for loops over
 * one prepared statement. Returns 0 or -1. */
int statement_bind(
    struct store *s, struct sqlite3_stmt *statement, const char *types, ...);

/* Reads the next row: 1 there is one, 0 no more, -1 with errno. NULL gives -1,
 * so that statement_query() needs no check of its own. */
int statement_row(
    struct store *s, struct sqlite3_stmt *statement, const char *types, ...);

/* Frees it (NULL is fine). Keeps errno. */
void statement_end(struct sqlite3_stmt *statement);

#endif
