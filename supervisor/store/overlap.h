/*
 * Whether two path patterns can mean the same file. As a function of SQL,
 * overlaps(A, B), it lets a claim be one statement.
 */
#ifndef LOOPKEEPER_STORE_OVERLAP_H
#define LOOPKEEPER_STORE_OVERLAP_H

#include <stdbool.h>

#include "store/store.h"

/*
 * Patterns have *, ? and [...]; * goes over slashes. One that ends at a slash
 * of the other, or with one, means everything below. When in doubt: true.
 */
bool overlap_patterns(const char *a, const char *b);

/* Makes overlaps() known to an open store; again is fine. Returns 0 or -1. */
int overlap_register(struct store *s);

#endif
