/* Used by schema.c: tables that another program may have made already, with
 * fewer columns than we know. */
#ifndef LOOPKEEPER_STORE_SCHEMA_TABLE_H
#define LOOPKEEPER_STORE_SCHEMA_TABLE_H

#include "store/store.h"

/* Does one statement made of several parts. Returns 0 or -1. */
int schema_run(struct store *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether the table has the column (NULL: whether there is such a table).
 * Returns 1, 0 or -1. */
int schema_has(struct store *s, const char *table, const char *column);

/* Makes the table, given as CREATE TABLE has it, or adds to the one that is
 * there the columns that it lacks. Returns 0, or -1: EUCLEAN it is something
 * else. */
int schema_extend_table(struct store *s, const char *table);

#endif
