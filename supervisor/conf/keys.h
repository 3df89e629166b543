/*
 * Every key of the configuration, once: the table from which files are
 * checked and read, and `check-config --defaults` and the manual are made.
 */
#ifndef LOOPKEEPER_CONF_KEYS_H
#define LOOPKEEPER_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which they are shown. */
enum key_id {
	KEY_STATE_DIRECTORY,
	KEY_INCLUDE,
	KEY_CONTROL_GROUP,
	KEY_MONITOR_EVERY,
	KEY_MONITOR_STUCK_AFTER,
	KEY_MONITOR_FAILURES_IN_ROW,
	KEY_REGRESSIONS_EVERY,
	KEY_REGRESSIONS_TIME_LIMIT,
	KEY_REGRESSIONS_HOLD_CLAIMS,
	KEY_PM_EVERY,
	KEY_PM_DECISION_TIMEOUT,
	KEY_REDISTRIBUTE,
	KEY_BUDGET_ATTEMPT_USD,
	KEY_BUDGET_ATTEMPT_TOKENS,
	KEY_BUDGET_LOOP_DAY_USD,
	KEY_BUDGET_DAY_USD,
	KEY_COMPONENTS,
	KEY_DEFAULTS,
	KEY_LOOPS,

	KEY_NAME,
	KEY_TITLE,
	KEY_COMMAND,
	KEY_ENABLED,
	KEY_KIND,
	KEY_AFTER,
	KEY_READY,
	KEY_START_TIMEOUT,
	KEY_HEARTBEAT_SOURCE,
	KEY_HEARTBEAT_TIMEOUT,
	KEY_HEARTBEAT_LATE,
	KEY_HEARTBEAT_PATH,
	KEY_RESTART_POLICY,
	KEY_RESTART_DELAY,
	KEY_RESTART_DELAY_MAX,
	KEY_RESTART_MAX_RESTARTS,
	KEY_RESTART_WINDOW,
	KEY_RESTART_STABLE_AFTER,
	KEY_RESTART_RETRY_EVERY,
	KEY_FALLBACK,
	KEY_MODE_WHEN_DOWN,
	KEY_STOP_SIGNAL,
	KEY_STOP_TIMEOUT,
	KEY_WATCHDOG_SIGNAL,
	KEY_NOTIFY_ACCESS,
	KEY_LOG_SIZE,
	KEY_LOG_KEEP,
	KEY_LOG_WHEN_FULL,
	KEY_WORKING_DIRECTORY,
	KEY_ENVIRONMENT,
	KEY_USER,
	KEY_GROUP,
	KEY_UMASK,
	KEY_NICE,
	KEY_OOM_SCORE_ADJ,
	KEY_NO_NEW_PRIVS,
	KEY_LIMITS_NOFILE,
	KEY_LIMITS_NPROC,
	KEY_LIMITS_CORE,
	KEY_LIMITS_MEMORY,
	KEY_LIMITS_PIDS,
	KEY_LIMITS_REQUIRED,
	KEY_SCHEDULE_EVERY,
	KEY_SCHEDULE_DAILY,
	KEY_LOOP_PRIORITY,
	KEY_LOOP_WORKER,
	KEY_LOOP_WORKER_OPTIONS,
	KEY_LOOP_SECOND_WORKER,
	KEY_LOOP_SECOND_WORKER_OPTIONS,
	KEY_LOOP_DIRECTORY,
	KEY_LOOP_REPOSITORY,
	KEY_LOOP_INTEGRATION_BRANCH,
	KEY_LOOP_BRANCH,
	KEY_LOOP_REPOSITORY_HOOKS,
	KEY_LOOP_PROMPT,
	KEY_LOOP_SETUP,
	KEY_LOOP_SETUP_WHEN_CHANGED,
	KEY_LOOP_SETUP_LIMIT,
	KEY_LOOP_COPY,
	KEY_LOOP_SHARED,
	KEY_LOOP_TEST_FILES,
	KEY_LOOP_MAX_DELETED,
	KEY_LOOP_RECHECK,
	KEY_LOOP_MAX_ATTEMPTS,
	KEY_LOOP_RETRY_DELAY,
	KEY_LOOP_FAILURES_PER_HOUR,
	KEY_LOOP_STARTUP_LIMIT,
	KEY_LOOP_SILENCE_LIMIT,
	KEY_LOOP_INPUT_LIMIT,
	KEY_LOOP_PROGRESS_LIMIT,
	KEY_LOOP_TIME_WARNING,
	KEY_LOOP_TIME_LIMIT,
	KEY_LOOP_VERIFY_LIMIT,
	KEY_LOOP_MAX_OUTPUT,
	KEY_LOOP_MIN_DISK,
	KEY_LOOP_MIN_MEMORY,
	KEY_LOOP_MIN_FILES,
	KEY_LOOP_MAX_LOAD,
	KEY_LOOP_PAUSE,
	KEY_LOOP_SLOW_PAUSE,

	KEY_COUNT
};

enum key_type {
	TYPE_TEXT,
	TYPE_PATH,
	TYPE_WORDS,   /* texts in [ ], or one text */
	TYPE_COMMAND, /* the same; the first is a program */
	TYPE_ENVIRONMENT,
	TYPE_GROUP,  /* of keys with names of their own */
	TYPE_GROUPS, /* a list of them */
	/* From here on the value is a number. */
	TYPE_BOOL,
	TYPE_INT,
	TYPE_DURATION,
	TYPE_SIZE,
	TYPE_USD, /* in millionths */
	TYPE_SIGNAL,
	TYPE_CHOICE,
	TYPE_OCTAL,
	TYPE_DAILY, /* "03:30", as minutes after midnight */
	TYPE_LATE,  /* a duration; below 0: millionths of heartbeat.timeout */
};

/* Where the value ends up: the struct that offset is in. */
enum key_home { HOME_NONE, HOME_CONF, HOME_COMPONENT, HOME_LOOP };

struct key {
	const char *name; /* "restart.delay": delay in the group restart */
	enum key_type type;
	const char *standard; /* what holds where no file says it; NULL: what
				 `otherwise` tells */
	const char *otherwise;
	int64_t min;
	int64_t max;
	const char *const *choices; /* TYPE_CHOICE: by value, NULL-ended */
	enum key_home home;
	size_t offset;
	size_t width;
	bool restart; /* a change stops and starts what runs */
	const char *help;
};

extern const struct key keys[KEY_COUNT];

/* Keys from here on stand in a component (and in defaults and loops); those
 * before stand at the top level of the file. */
#define KEY_FIRST_OF_COMPONENT KEY_NAME
#define KEY_FIRST_OF_LOOP      KEY_LOOP_PRIORITY

/* Whether the value of the key is a number. */
bool key_is_number(const struct key *key);

#endif
