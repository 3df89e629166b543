/* Ids of everything that has one, for finding what an operator meant. */
#ifndef LOOPKEEPER_STORE_QUERIES_IDS_H
#define LOOPKEEPER_STORE_QUERIES_IDS_H

#include <stddef.h>

#include "store/store.h"

enum queries_kind {
	QUERIES_TEST,
	QUERIES_LOOP,
	QUERIES_DECISION,
	QUERIES_ALERT,
	QUERIES_CHECKPOINT,
};

/* The id as it is stored of a word in any case. Returns 1, 0 when there is
 * none, -1 with errno of store.h. */
int queries_id(struct store *s, enum queries_kind kind, const char *word,
    char *ret, size_t size);

/* The same, or else the one id that begins with word, in any case. Returns 2
 * when several do; ret is then the first of them. */
int queries_find_id(struct store *s, enum queries_kind kind, const char *word,
    char *ret, size_t size);

/* Every id of a kind; what each() returns, if not 0, ends it. Returns 0, what
 * each() returned, or -1. */
int queries_each_id(struct store *s, enum queries_kind kind,
    int (*each)(const char *id, void *argument), void *argument);

#endif
