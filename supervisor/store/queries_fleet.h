/*
 * Loops with their queues, alerts and decisions for the eyes of people. Rows
 * as in queries_tests.h: texts live until each() returns, are never NULL, and
 * a result other than 0 ends the query, which returns it.
 */
#ifndef LOOPKEEPER_STORE_QUERIES_FLEET_H
#define LOOPKEEPER_STORE_QUERIES_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/* A loop, its queue, and the attempt it is in. */
struct loop_row {
	const char *id;
	const char *name;
	int64_t priority;
	const char *branch;
	const char *status;
	int64_t passed;
	int64_t left;	 /* pending or in progress */
	int64_t ready;	 /* pending, and nothing is in its way but locks */
	int64_t blocked; /* blocked or failed */
	int64_t skipped;
	const char *test_id;  /* in progress; "" for none */
	int64_t attempt;      /* of max_attempts */
	int64_t max_attempts; /* 0: what the loop's configuration says */
	int64_t worker_pid;   /* 0: none */
	int64_t worker_pid_start;
	const char *attempt_started_at;
	const char *transcript;
};

struct alert_row {
	const char *id;
	const char *severity;
	const char *alert_type;
	const char *source;
	const char *message;
	const char *context; /* JSON */
	bool acknowledged;
	const char *acknowledged_by;
	const char *acknowledged_at;
	const char *created_at;
};

struct decision_row {
	const char *id;
	const char *decision_type;
	const char *summary;
	const char *options; /* JSON array of {id, description} */
	const char *default_option;
	const char *context;
	int64_t timeout_minutes; /* below 0: it waits for ever */
	const char *status;
	const char *requested_at;
	const char *requested_by;
	const char *decided_at;
	const char *decided_by;
	const char *choice;
	const char *comment;
	const char *applied_at; /* when what was chosen was done */
	const char *test_id;	/* what it is about, as far as it says so */
	const char *loop_id;
	const char *subject;   /* id of a conflict or regression */
	const char *seen_boot; /* "": its time counts from requested_at, */
	int64_t seen_ms;       /* else from then on by that boot's clock */
	const char *evidence;  /* while it waits: how the test's last attempts
				  ended, a JSON array of texts */
};

/* All loops, by priority. Returns 0, what each() returned, or -1 with errno
 * of store.h. */
int queries_each_loop(struct store *s,
    int (*each)(const struct loop_row *row, void *argument), void *argument);

/* Alerts, the newest first; without all only those nobody has seen. */
int queries_each_alert(struct store *s, bool all,
    int (*each)(const struct alert_row *row, void *argument), void *argument);

/* Decisions, oldest first; without all only those that wait. */
int queries_each_decision(struct store *s, bool all,
    int (*each)(const struct decision_row *row, void *argument),
    void *argument);

/* Marks an alert (exact id) as seen, or all that aren't (id NULL). Returns how
 * many were marked, or -1 with errno of store.h. */
int queries_acknowledge(struct store *s, const char *id, const char *by);

#endif
