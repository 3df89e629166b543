/*
 * The outcome of an attempt on its way into the database, as a small file in
 * STATE/spool: written when the database can't be had, on disk before anybody
 * is told, and taken away when the closing transaction is done. Applying it
 * twice is once (attempts_end()).
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_OUTCOME_H
#define LOOPKEEPER_AGENTS_LOOP_OUTCOME_H

#include "store/attempts.h"

struct outcome {
	struct attempt_key key;
	struct attempt_end end;
};

/* Returns 0, or -1 with errno. */
int outcome_save(const char *path, const struct outcome *outcome);

/* Returns 1, 0 when there is none, -1 with errno; EBADMSG for a file that
 * can't be understood. */
int outcome_load(const char *path, struct outcome *ret);

/* One that can't be understood is kept as PATH.bad. Returns 0 or -1. */
int outcome_set_aside(const char *path);

/* Takes it away. */
void outcome_remove(const char *path);

#endif
