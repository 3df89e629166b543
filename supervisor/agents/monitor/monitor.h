/*
 * The monitor looks at the work every `monitor.every`: first at what is so
 * (watched.c), then by rules of one idea each (rule_*.c), which add findings;
 * alerts follow from these. Whether components live is not its concern; their
 * keepers see to that.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_MONITOR_H
#define LOOPKEEPER_AGENTS_MONITOR_MONITOR_H

#include "agents/common/agent.h"
#include "agents/common/findings.h"
#include "agents/monitor/changed.h"
#include "agents/monitor/same_file.h"
#include "agents/monitor/sweep.h"
#include "agents/monitor/watch.h"
#include "base/point.h"
#include "system/wanted.h"

#define MONITOR_HOUR_MS point_ms("LOOPKEEPER_HOUR_MS", INT64_C(3600) * 1000)

struct watched { /* a loop of the configuration */
	const struct loop_config *config;
	struct watch watch;	  /* of the evidence that it gets on */
	int64_t still_ms;	  /* it doesn't, for so long */
	bool is_busy;		  /* it is in an attempt */
	struct progress progress; /* of that; zeroed without one */
	struct changed changed;
	/* Without one: there are tests that it could take, and nothing keeps
	 * it from that, as far as anybody says. */
	bool is_in_vain;
	bool is_alive;
	int64_t npending;
	/* Of the attempt. */
	char evidence[PATH_SIZE]; /* was kept there; "": not yet */
	int64_t stopped_ms; /* since when it is to be ended; 0: it isn't */
	bool is_broad;	    /* it was seen to change too many files */
	bool is_outside;    /* and others than its own */
	bool is_unseen;	    /* that what it changed can't be seen was told */
};

struct foreign { /* a loop of another program */
	char loop_id[ATTEMPT_TEST_SIZE];
	char test_id[ATTEMPT_TEST_SIZE];
	int64_t pid;
	struct watch watch;
	uint64_t cpu_ms; /* of its tree when that was last taken for life */
	int64_t cpu_at_ms;
	uint64_t ncpu; /* so often was it */
	bool is_there; /* as of this look */
};

struct monitor {
	struct agent agent;
	struct watched *loops; /* one per loop of the configuration */
	size_t nloops;
	struct foreign *foreign; /* owned */
	size_t nforeign;
	struct same_file same_file;
	struct findings findings;
	struct sweep sweep;
	int64_t looked_ms; /* the last look; 0: none yet */
	struct wanted wanted;
	int64_t ahead_ms;  /* of the wall clock, of the monotonic one */
	int64_t jumped_ms; /* when it was seen to jump; 0: never */
	int64_t work_ms;   /* since when there has been work; 0: there isn't */
	bool has_work;	   /* as of this look */
	size_t nstuck;	   /* loops, as of this look */
	size_t nregressed; /* tests with an open regression, as of the last */
	bool is_capped;	   /* no more attempts may be ended for now */
};

/* watched.c: what is so with one loop. Returns 0, or -1 when that couldn't be
 * found out. */
int watched_look(struct monitor *m, struct watched *w, int64_t now_ms);

/* A loop, or its attempt, that doesn't get on; and what is done about it, when
 * everybody knows. */
void rule_stuck(struct monitor *m, struct watched *w, int64_t now_ms);
void rule_stuck_act(struct monitor *m, struct watched *w, int64_t now_ms);
/* And the fleet. */
void rule_stuck_fleet(struct monitor *m);

/* Loops that know nothing but the database; the first rule. */
void rule_foreign(struct monitor *m, int64_t now_ms);

/* An attempt that strays from its test. */
void rule_digression(struct monitor *m, struct watched *w);

/* The numbers of the whole fleet. */
void rule_metrics(struct monitor *m, int64_t now_ms);

#endif
