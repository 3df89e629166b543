/*
 * Configuration files into plain structs, checked. The only place that knows
 * libconfig. Every key stands once in the table of keys.c: its name, type,
 * default, limits, help text, and whether a change needs a restart.
 */
#ifndef LOOPKEEPER_CONF_CONF_H
#define LOOPKEEPER_CONF_CONF_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/preset.h"
#include "model/config.h"

/* What becomes of two loops that change the same file, where what they do goes
 * together. */
enum on_same_file { ON_SAME_FILE_EVENT, ON_SAME_FILE_PAUSE };

/* The `loop` group of one component, with the fleet's `loops` beneath it.
 * Lists are NULL-ended. */
struct loop_config {
	const char *name;  /* of the component, "loop-1" */
	const char *title; /* "" where the file gives none */
	int index;	   /* 1 for the first loop of the file */
	int priority;	   /* 1 is the highest */
	char **worker;	   /* argv; the preset's where there is one */
	const struct worker_preset *preset; /* NULL: a plain command */
	char **worker_options;
	/* The same, where two attempts failed alike; empty for none. */
	char **second_worker;
	const struct worker_preset *second_preset;
	char **second_worker_options;
	const char *directory;	/* absolute; specs/ and worktrees in it */
	const char *repository; /* absolute; the operator's checkout */
	const char *integration_branch; /* "loopkeeper/main" */
	const char *branch;		/* "loop-1/working" */
	bool repository_hooks;		/* its own hooks run in worktrees */
	const char *prompt;	   /* absolute path of the template, or "" */
	const char *second_prompt; /* the same, for the second worker */
	const char *setup;	   /* for sh -c, or "" */
	char **setup_when_changed; /* patterns */
	char **copy;		   /* paths in the repository */
	char **shared;		   /* paths in worktrees */
	char **test_files;	   /* patterns */
	enum on_same_file on_same_file;
	int max_deleted;	/* files, by one attempt; 0: any */
	int recheck;		/* passing tests, before a merge */
	int max_attempts;	/* for tests that don't say */
	int64_t retry_delay_ms; /* before a test's second attempt */
	int failures_per_hour;	/* attempts that may not pass; 0: any */
	/* Of one run of the worker; 0: no such limit. */
	int64_t startup_limit_ms;  /* -1: as the preset says, or
				      for a plain command the loop */
	int64_t silence_limit_ms;  /* no output, CPU time, changed file */
	int64_t input_limit_ms;	   /* nor a child: it waits for somebody */
	int64_t progress_limit_ms; /* no changed file */
	int64_t time_warning_ms;
	int64_t time_limit_ms;
	int64_t setup_limit_ms;	 /* of one run of setup */
	int64_t verify_limit_ms; /* of one run of verify */
	int64_t max_output;	 /* bytes, of one run of any; 0: any */
	int64_t min_disk;	 /* bytes; with less nothing is claimed */
	int64_t min_memory;
	int min_files;	  /* that can still be opened, on the whole machine */
	int max_load;	  /* 1-minute load average per processor; 0: any */
	int64_t pause_ms; /* between two tests in mode normal */
	int64_t slow_pause_ms; /* and in mode slow (60s) */
};

/* The top-level group `budget`, for all loops. Money in millionths of a USD;
 * -1: no limit. */
struct budget_config {
	int64_t attempt_usd;
	int64_t attempt_tokens;
	int64_t loop_day_usd;
	int64_t day_usd;
};

/* The top-level groups `monitor`, `regressions` and `pm`. */
struct monitor_config {		    /* 0: no such limit */
	int64_t every_ms;	    /* 30s */
	int64_t stuck_after_ms;	    /* 30m without progress of a loop */
	int64_t heed_after_ms;	    /* 2m since a loop was told to end one */
	int stops_per_hour;	    /* 10 attempts that are ended for it */
	int failures_in_row;	    /* 3, on one test */
	int max_files;		    /* 20, changed by one attempt */
	bool outside_files;	    /* those outside the test's are told */
	int passed_warning;	    /* 1 per hour */
	int64_t passed_critical_ms; /* 2h without one */
	int conflicts_warning;	    /* 5 per hour */
	int conflicts_critical;	    /* 10 */
	int stuck_warning;	    /* 1 loop */
	int stuck_critical;	    /* 2 */
	int decisions_warning;	    /* 3 pending */
	int decisions_critical;	    /* 5 */
	int64_t decision_age_critical_ms; /* 1h */
	int64_t database_warning;	  /* 500M */
	int64_t database_critical;	  /* 1G */
	int64_t same_file_within_ms;	  /* 5m */
};
struct regressions_config {    /* of the monitor, */
	int64_t every_ms;      /* 10m; 0: never */
	int64_t time_limit_ms; /* 5m */
	bool auto_rollback;    /* of the PM */
	int rollbacks_per_day; /* 3 */
	bool hold_claims; /* of loops: they fix them before anything else */
};
struct pm_config {
	int64_t every_ms;	     /* 5s */
	int64_t decision_timeout_ms; /* 60m */
};

struct conf {
	struct fleet_config fleet;
	struct component_config **components; /* fleet.ncomponents, in order of
						 the file, housekeeping last */
	struct loop_config *loops;
	size_t nloops;
	struct monitor_config monitor;
	struct regressions_config regressions;
	struct pm_config pm;
	bool redistribute; /* tests of loops that are gone, by the PM */
	struct budget_config budget;
};

/*
 * Finds the file: path if not NULL, else $LOOPKEEPER_CONFIG, else the places
 * of the design. Writes its absolute path. Returns 0, or -1 with ENOENT after
 * saying on errors (may be NULL) where it was sought.
 */
int conf_find(const char *path, char *ret, FILE *errors);

/*
 * Reads and checks the file with its includes, resolves users, programs and
 * paths. Every fault is one line "FILE:LINE: what, and what was expected" on
 * errors. Returns the configuration, which the caller frees, or NULL with
 * EINVAL after at least one line. Touches nothing outside memory.
 */
struct conf *conf_load(const char *path, FILE *errors);
void conf_free(struct conf *conf);

/*
 * Only state_directory of a file, which may otherwise be full of faults: so
 * that `down` and `status` work whatever was edited. Returns 0, or -1 with
 * EINVAL after one line on errors.
 */
int conf_state_directory(const char *path, char *ret, FILE *errors);

/* The loop of that component name, or NULL. */
const struct loop_config *conf_loop(const struct conf *conf, const char *name);

/* Whether there is such a loop, and it is enabled. */
bool conf_has_loop(const struct conf *conf, const char *name);

/*
 * Writes the binary form that the daemon reads (struct fleet_config, then each
 * component_config) to fd. Returns 0, or -1 with write(2)'s errno.
 */
int conf_write_flat(const struct conf *conf, int fd);

/* Prints every key with its type, default and help, as `check-config
 * --defaults` shows it. */
void conf_print_defaults(FILE *out);

/*
 * Prints what a reload from old to new would do, one line per component:
 * "+ loop-4", "- loop-2", "~ loop-1: restart (command, environment)",
 * "~ pm: in place (restart.delay)". old entries are given as an array of
 * pointers. Returns the number of lines.
 */
int conf_print_difference(struct component_config *const *old, size_t nold,
    struct component_config *const *new, size_t nnew, FILE *out);

#endif
