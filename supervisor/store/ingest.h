/* One line of the spool becomes one row of table events. */
#ifndef LOOPKEEPER_STORE_INGEST_H
#define LOOPKEEPER_STORE_INGEST_H

#include <stddef.h>

#include "store/store.h"

enum ingest_result {
	INGEST_FAILED = -1, /* errno and error of the store */
	INGEST_REPEATED,    /* a row with this id is there */
	INGEST_ADDED,
	INGEST_TORN, /* no event: not JSON, or without id or type */
};

/* The statement for ingest_line(); NULL with errno. It must be ended before
 * the transaction is. */
struct sqlite3_stmt *ingest_prepare(struct store *s);

/* n bytes without the newline. */
enum ingest_result ingest_line(struct store *s, struct sqlite3_stmt *statement,
    const char *line, size_t n);

#endif
