/*
 * Events that belong to a transaction: they are in the database if and only
 * if what they tell of is. Everything else goes through the spool.
 */
#ifndef LOOPKEEPER_STORE_NOTE_H
#define LOOPKEEPER_STORE_NOTE_H

#include "store/store.h"

/* store_begin() for callers that believe nothing of the database: in whichever
 * lies there. Returns 0 or -1. */
int note_begin(struct store *s);

/*
 * Writes one event. types has one letter per field of the payload, each
 * followed by its key and value: t text (NULL and "" are left out), i
 * int64_t, u int64_t in millionths of what is written (-1 is left out).
 * Returns 0, or -1 with errno of store.h.
 */
int note_event(struct store *s, const char *source, const char *type,
    const char *types, ...);

/* In SQL: a fresh id of the form of uuid_new(), and the time as it is stored.
 */
#define NOTE_NEW_ID                                                      \
	"lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' " \
	"|| substr(hex(randomblob(2)), 2) || '-8' "                      \
	"|| substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
/* The id of a new row of a table that may be another program's: NULL where it
 * counts its rows. Only what holds for all rows is asked in the subquery, which
 * is run but once for all of them. */
#define NOTE_ROW_ID(table, id)                                   \
	"CASE WHEN (SELECT type = 'INTEGER' COLLATE NOCASE"      \
	" FROM pragma_table_info('" table "') WHERE name = 'id'" \
	" COLLATE NOCASE) THEN NULL ELSE " id " END"
#define NOTE_NOW "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

#endif
