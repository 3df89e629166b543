/*
 * Alerts: raised once per cause, not repeated, cleared by themselves when the
 * cause is gone. One that becomes more severe is raised anew; one that becomes
 * less so stays as it is until its cause is gone, so that nothing is repeated
 * about what goes up and down. The cause is a word of the raiser's
 * ("stuck:loop-1"), kept in the context; an alert that a human has acknowledged
 * goes on standing for its cause, silently, until that is gone.
 */
#ifndef LOOPKEEPER_STORE_ALERTS_H
#define LOOPKEEPER_STORE_ALERTS_H

#include <stdbool.h>

#include "store/store.h"

struct alert {
	const char *cause;
	const char *severity; /* "info", "warning", "error", "critical" */
	const char *type;     /* "loop_stuck", ... */
	const char *source;   /* who raises it */
	const char *message;
	const char *loop_id; /* or NULL */
	const char *test_id; /* or NULL */
};

/*
 * Raises it, with event alert_raised and, where event is not NULL, one of that
 * type, unless its cause stands already. Returns 1 raised, or raised anew with
 * this severity and message; 0 it stood already, as severe or more; -1 with
 * errno of store.h.
 */
int alerts_raise(struct store *s, const struct alert *alert, const char *event);

/* The cause is gone. Returns 1 cleared, 0 nothing stood, -1. */
int alerts_clear(struct store *s, const char *source, const char *cause);

/* The same inside a transaction that the caller begins and ends. */
int alerts_raise_within(
    struct store *s, const struct alert *alert, const char *event);
int alerts_clear_within(struct store *s, const char *source, const char *cause);

/* Clears those of this source that keep() doesn't want to stand any more; it
 * must not use the store. Returns 0 or -1. */
int alerts_sweep(struct store *s, const char *source,
    bool (*keep)(const char *cause, void *argument), void *argument);

/* Clears those whose causes begin with prefix, of whatever source, and that
 * keep() doesn't want to stand; as above. */
int alerts_sweep_causes(struct store *s, const char *source, const char *prefix,
    bool (*keep)(const char *cause, void *argument), void *argument);

#endif
