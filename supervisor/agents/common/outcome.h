/*
 * The outcome of an attempt on its way into the database, as a small file in
 * STATE/spool: written when the database can't be had, on disk before anybody
 * is told, and taken away when the closing transaction is done. Applying it
 * twice is once (attempts_end()).
 */
#ifndef LOOPKEEPER_AGENTS_COMMON_OUTCOME_H
#define LOOPKEEPER_AGENTS_COMMON_OUTCOME_H

#include "base/log.h"
#include "store/attempts.h"
#include "store/gates.h"

struct outcome {
	struct attempt_key key;
	struct attempt_end end;
	/* What closes a provider's gate and isn't told yet; .provider NULL:
	 * nothing. The texts are somebody else's; .by is the loop. */
	struct gate_news refusal;
};

/* Returns 0, or -1 with errno. */
int outcome_save(const char *path, const struct outcome *outcome);

/*
 * Writes what lies at path, if anything does, into the database, and takes it
 * away; one that can't be understood is kept as PATH.bad. Either is told on
 * log. Returns 0, or -1 with errno of store.h.
 */
int outcome_apply(const char *path, struct store *s, struct log *log);

/* Takes it away. */
void outcome_remove(const char *path);

#endif
