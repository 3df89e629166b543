/*
 * One component as a state machine: pure arithmetic, no system call, no
 * clock. Time, randomness and events come in as arguments; what is to be done
 * comes out as an action, which the keeper performs.
 *
 * What a component is (state) and what the operator wants of it (want) are
 * two variables. The drawing and the table stand in component.c.
 */
#ifndef LOOPKEEPER_MODEL_COMPONENT_H
#define LOOPKEEPER_MODEL_COMPONENT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/config.h"

enum component_state {
	COMPONENT_STOPPED, /* nothing runs, nothing is to run (now) */
	COMPONENT_WAITING, /* wanted; `after` or the fleet's circuit holds it */
	COMPONENT_STARTING, /* a process lives and isn't ready yet */
	COMPONENT_RUNNING,  /* ready */
	COMPONENT_STOPPING, /* its tree is being ended, to the last process */
	COMPONENT_BACKOFF,  /* nothing runs; started again at the deadline */
	COMPONENT_FAILED, /* circuit open, no fallback; retried now and then */
};
#define COMPONENT_STATES 7

enum component_want {
	WANT_RUN,
	WANT_STOP,
	WANT_PAUSE,
	WANT_DRAIN, /* goes on, and isn't started again once it has ended */
};
#define COMPONENT_WANTS 4

enum component_event {
	EVENT_RUN,     /* wanted: run */
	EVENT_START,   /* the same by an operator: clears level and circuit */
	EVENT_STOP,    /* wanted: stopped, paused or draining */
	EVENT_RESTART, /* operator or reload: stop and start anew, not counted
			*/
	EVENT_GO,      /* `after` is satisfied */
	EVENT_HOLD,    /* the fleet's circuit opened */
	EVENT_RELEASE, /* and let this one go */
	EVENT_READY,   /* READY=1, or the exec succeeded where that is enough */
	EVENT_STUCK,   /* heartbeat timed out, or WATCHDOG=trigger */
	EVENT_EXIT,    /* the main process is gone (or never came to be) */
	EVENT_EMPTY,   /* no process of the tree is left */
	EVENT_TIMEOUT, /* the state's own deadline has passed */
};
#define COMPONENT_EVENTS 12

enum component_action {
	ACT_IMPOSSIBLE, /* 0: the table has no such cell; nothing was changed */
	ACT_NOTHING,
	ACT_SPAWN, /* fork and exec the command, or the fallback (.fallback) */
	ACT_STOP,  /* stop_signal and SIGCONT to the main process */
	ACT_ABORT, /* evidence, then watchdog_signal to the main process */
	ACT_CLEAR, /* the main process is gone: SIGKILL what is left */
	ACT_KILL,  /* SIGKILL the whole tree */
};

enum component_cause { /* of the last death */
	CAUSE_NONE,
	CAUSE_EXIT,	     /* .code is the exit status */
	CAUSE_SIGNAL,	     /* .code is the signal */
	CAUSE_START_FAILED,  /* .stage and .error: the exec or before it */
	CAUSE_START_TIMEOUT, /* not ready within start_timeout */
	CAUSE_STUCK,	     /* no heartbeat within the timeout */
	CAUSE_WATCHDOG,	     /* WATCHDOG=trigger */
	CAUSE_KEEPER,	     /* its keeper died, and it with it */
	CAUSE_OPERATOR,	     /* asked for: stop, restart, pause, reload */
};
#define COMPONENT_CAUSES 9

enum component_circuit { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_HALF_OPEN };

struct component_death {
	enum component_cause cause;
	int32_t code;
	int32_t stage; /* enum spawn_stage of system/spawn.h */
	int32_t error; /* errno of the stage */
	int64_t at_ms;
};

struct component {
	enum component_state state; /* written by enter() in component.c only */
	enum component_want want;
	enum component_circuit circuit;
	bool go;	  /* `after` was satisfied once since the fleet began */
	bool held;	  /* by the fleet's circuit */
	bool fallback;	  /* what runs, or ran last, is the fallback */
	bool done;	  /* stopped because it ended as it should */
	bool again;	  /* stopping in order to start anew */
	bool late;	  /* half of the heartbeat's time is over */
	bool unkillable;  /* survived SIGKILL for 5 s; only while stopping */
	bool killed;	  /* SIGKILL has been sent; only while stopping */
	int32_t level;	  /* of the back-off; 0: the next restart is at once */
	bool died;	  /* a death since the last start */
	int64_t since_ms; /* the state was entered */
	int64_t started_ms;    /* of the last spawn; 0: never */
	int64_t deadline_ms;   /* of the state; 0: none */
	int64_t good_since_ms; /* ready and not late since; 0: is not */
	int64_t beat_ms; /* last sign of life, or ready; 0: none is due, or none
			    was heard */
	int64_t seen_ms; /* since then, by the last report, nothing changed; 0:
			    no report yet */
	int64_t retry_ms;  /* the real command is tried; 0: circuit closed */
	uint64_t beats;	   /* heartbeats accepted */
	uint64_t restarts; /* starts after a death */
	struct component_death death;	      /* the last one */
	uint32_t ndeaths;		      /* written to deaths_ms so far */
	int64_t deaths_ms[CONFIG_DEATHS_MAX]; /* ring; counts what the window
						 counts, newest at
						 (ndeaths - 1) % size */
};

struct component_input {
	int64_t now_ms;
	uint32_t random;	      /* for the +-10 % of the back-off */
	enum component_want want;     /* EVENT_STOP: any but WANT_RUN */
	struct component_death death; /* EVENT_EXIT, EVENT_STUCK: what it was;
					 at_ms is filled in by the step */
	/* The next moment of schedule.daily on the monotonic clock; 0 where
	 * there is none. */
	int64_t next_daily_ms;
};

struct component_result {
	enum component_action action;
	const char *event; /* type for the spool; NULL: nothing to tell */
};

/* A component that was never started: waiting if wanted, else stopped. */
void
component_init(struct component *c, enum component_want want, int64_t now_ms);

/*
 * What a new keeper goes on with after the one before it died: deaths, level,
 * circuit and wish of old. If old had a living process, this death counts
 * (CAUSE_KEEPER) and c is `stopping`: step EVENT_EMPTY as soon as nothing of
 * its tree is left.
 */
void component_inherit(
    struct component *c, const struct component *old, int64_t now_ms);

/*
 * One event. ACT_IMPOSSIBLE leaves c untouched: the caller has lost track of
 * the truth and says so.
 */
struct component_result
component_step(struct component *c, const struct component_config *config,
    enum component_event event, const struct component_input *in);

/* It counts as late no longer. Returns true when it did. */
bool component_excuse(struct component *c, int64_t now_ms);

/* A sign of life at now_ms. Returns true when it ended lateness. */
bool component_beat(struct component *c, int64_t now_ms);

/*
 * The watcher (recorder) reports that the heartbeat is unchanged for age_ms
 * (-1: the component itself, or somebody for it, tells of one just now);
 * somebody else may have told of a later sign of life meanwhile. Judges at
 * once; what it returns is due now (EVENT_STUCK is the caller's to
 * step): 0 nothing, 1 became late, 2 stuck.
 */
int component_seen(struct component *c, const struct component_config *config,
    int64_t age_ms, int64_t now_ms);

/* The same for heartbeats by notify, when the clock says so. */
int component_judge(
    struct component *c, const struct component_config *config, int64_t now_ms);

/* Nobody is judged for ms in which the keeper or the logger was away. */
void component_forgive(struct component *c, int64_t ms);

/* Sets the deadline of a stopped component that is wanted running to the
 * moment at which its schedule starts it; 0 where it has none. */
void component_reschedule(struct component *c,
    const struct component_config *config, int64_t next_daily_ms);

/* EXTEND_TIMEOUT_USEC: while starting or stopping, the deadline is at least
 * ms from now. */
void component_extend(struct component *c, int64_t ms, int64_t now_ms);

/* RESTART_RESET=1: back-off and window as if it had never died. */
void component_reset(struct component *c);

/* When component_step(EVENT_TIMEOUT) or component_judge() is due, or 0. */
int64_t component_next_ms(
    const struct component *c, const struct component_config *config);

/* Deaths that the window counts at now_ms. */
int component_deaths(const struct component *c,
    const struct component_config *config, int64_t now_ms);

/* Whether `after` is satisfied for those behind it. */
bool component_lets_pass(const struct component *c);

/*
 * Whether what must hold in its state holds. The text names what is wrong,
 * NULL when nothing is.
 */
const char *component_check(const struct component *c);

const char *component_state_name(enum component_state state);
const char *component_want_name(enum component_want want);
const char *component_event_name(enum component_event event);
const char *component_cause_name(enum component_cause cause);
const char *component_circuit_name(enum component_circuit circuit);

/* Why it died, for people: "exit 3", "signal 9 (Killed)", "no heartbeat". */
void component_describe_death(
    char *buf, size_t size, const struct component_death *death);

#endif
