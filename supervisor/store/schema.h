/*
 * The tables of the coordination database, which programs in other languages
 * read and write too: their names are a contract. A database that somebody
 * else made with these tables gets what it lacks (tables, columns, indices)
 * and keeps what loopkeeper doesn't know.
 */
#ifndef LOOPKEEPER_STORE_SCHEMA_H
#define LOOPKEEPER_STORE_SCHEMA_H

#include "store/store.h"

/* Stands in meta, and in PRAGMA user_version unless another program keeps its
 * own number there. */
#define SCHEMA_VERSION 6

/*
 * By what events, usage and checkpoints are ordered and compared: both
 * "2026-01-07T02:14:00.123Z" and "2026-01-07 02:14:00" are found in there, and
 * ' ' sorts before 'T'. The indices are on exactly this expression.
 */
#define SCHEMA_EVENT_TIME      "replace(timestamp, ' ', 'T')"
#define SCHEMA_USAGE_TIME      "replace(recorded_at, ' ', 'T')"
#define SCHEMA_CHECKPOINT_TIME "replace(created_at, ' ', 'T')"

/*
 * Makes the open database whole, in one transaction; nothing is written when
 * it is. Returns 0, or -1: EPROTO for a newer loopkeeper's, EUCLEAN for
 * tables of these names that are something else.
 */
int schema_extend(struct store *s);

#endif
