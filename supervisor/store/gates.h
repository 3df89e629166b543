/*
 * The gate before each provider of workers (claude, codex, ...). A limit, an
 * outage or a missing login closes it for all loops; when its time has come,
 * one loop tries the provider while the others stay away. Open gates have no
 * row.
 */
#ifndef LOOPKEEPER_STORE_GATES_H
#define LOOPKEEPER_STORE_GATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/store.h"

/* Without a time from the provider it is tried again after so long, doubled
 * for each time in a row that this was in vain. */
#define GATE_BACKOFF_MS	    (60 * 1000)
#define GATE_BACKOFF_MAX_MS (30 * 60 * 1000)

/* Who tries has so long for it, until another one may. */
#define GATE_PROBE_MS (10 * 60 * 1000)

#define GATE_TEXT_SIZE 384 /* of gates_describe() */

/* The later ones outrank those before them. */
enum gate_reason {
	GATE_UNAVAILABLE,  /* "unavailable": it is down, or out of reach */
	GATE_RATE_LIMITED, /* "rate_limited" */
	GATE_AUTH,	   /* "auth": it wants a login */
};

struct gate { /* a closed one */
	char provider[TEXT_NAME_MAX + 1];
	enum gate_reason reason;
	char closed_at[CLOCK_ISO_SIZE];
	int64_t until_ms; /* wall clock, a whole second, for people: when it
			     is tried again */
	bool due;	  /* that time has come */
	bool probe;	  /* the asker is the one who tries it */
	char probe_by[TEXT_NAME_MAX + 1]; /* who does; "" for nobody */
	int failures;			  /* in a row; 1 for the first */
	char message[256];
	char login[128]; /* the command to log in with, or "" */
};

/* What a worker's output said of its provider. */
struct gate_news {
	const char *provider;
	enum gate_reason reason;
	int64_t reset_wall_ms; /* when the limit ends; 0: it didn't say */
	const char *message;   /* in the provider's words, or NULL */
	const char *login;     /* "claude /login"; NULL for none */
	const char *by;	       /* the loop that met it */
};

/*
 * Closes the gate, or prolongs it: until the time that was named, else by
 * back-off. What a loop other than the one that tries has to say of a closed
 * gate never shortens it, and is no failure of its own. Raises one alert, and
 * for a limit the event rate_limited, per closing. Returns 0, or -1 with errno
 * of store.h.
 */
int gates_close(struct store *s, const struct gate_news *news);

/*
 * Whether the loop may use the provider: 1 yes, 0 no, -1 with errno of
 * store.h. With 1 and ret->probe it is the one that tries a closed gate, and
 * must answer by gates_passed(), gates_close() or gates_leave(); asking again
 * prolongs its time. *ret is zeroed for an open gate, which costs one read.
 */
int gates_ask(struct store *s, const char *provider, const char *loop_id,
    struct gate *ret);

/*
 * The provider answered the loop well. Opens a gate that the loop was to try,
 * or whose time has come; news of work that was begun before it closed doesn't.
 * Returns 1 opened, 0 when there was nothing to open, -1. Only reads then.
 */
int gates_passed(struct store *s, const char *provider, const char *loop_id);

/* The loop that was to try had nothing to try with: another one may. Returns
 * 0 or -1. */
int gates_leave(struct store *s, const char *provider, const char *loop_id);

/* Opens it by hand. Returns 1, 0 when it isn't closed, -1. */
int gates_open(struct store *s, const char *provider, const char *by);

/* Calls each for every closed gate, by name. Returns 0, what each() returned
 * if that wasn't 0, or -1. each must not use the store. */
int gates_each(struct store *s,
    int (*each)(const struct gate *gate, void *argument), void *argument);

/* "unavailable", "rate-limited", "login needed". */
const char *gates_reason_words(enum gate_reason reason);

/* A closed gate for people: "rate-limited (claude, until 05:00)", "unavailable
 * (claude, next try at 05:00)", "login needed (claude: run 'claude /login',
 * then loopkeeper gates --open claude)". */
void gates_describe(char buf[static GATE_TEXT_SIZE], const struct gate *gate);

#endif
