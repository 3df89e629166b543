/*
 * One command and everything it starts: a session of its own below this
 * process, which is its subreaper, clocks, and an end that is reached only
 * when not one process of its tree is left. There is one job at a time, so
 * that its tree is empty when this process has no child left.
 */
#ifndef LOOPKEEPER_AGENTS_COMMON_JOB_H
#define LOOPKEEPER_AGENTS_COMMON_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agents/common/vitals.h"

#define JOB_LEFTOVERS_SIZE 512

enum job_cause {
	JOB_EXITED,	 /* .code is the exit status */
	JOB_SIGNALLED,	 /* .code is the signal; not sent by us */
	JOB_NOT_STARTED, /* .stage and .code, an errno */
	/* Ended by us, because of a clock ... */
	JOB_TIMEOUT,
	JOB_NO_OUTPUT,
	JOB_NO_LIFE,
	JOB_SILENT,
	JOB_WAITING,
	JOB_NO_PROGRESS,
	/* ... of its output ... */
	JOB_FLOOD,
	/* ... or by job_end(): */
	JOB_STUCK,    /* says somebody else; what he says is in .why */
	JOB_FINISHED, /* it said that it is done, and didn't go */
	JOB_BUDGET,
	JOB_STOPPED,
};

/* The limits are ms, but for the last; 0: none. */
struct job_command {
	char *const *argv;
	char *const *envp;
	const char *directory;
	const char *stdin_path; /* NULL: /dev/null */
	int output_fd;		/* the transcript: stdout and stderr */
	int64_t time_limit_ms;
	int64_t startup_limit_ms;  /* from its start without any output */
	int64_t life_limit_ms;	   /* nor any other sign of life */
	int64_t silence_limit_ms;  /* without any sign of life */
	int64_t input_limit_ms;	   /* nor a child, nor any CPU time */
	int64_t progress_limit_ms; /* without a changed file */
	int64_t output_max;	   /* bytes it may write */
};

struct job {
	bool running; /* its tree isn't proven empty yet */
	pid_t pid;    /* of the main process; 0 once it is reaped */
	pid_t session;
	uint64_t pid_start;
	int error_fd; /* the exec's outcome, until it is known; else -1 */
	int64_t started_ms;
	struct job_command limits; /* only these of it are used */
	int64_t kill_ms;	   /* when it is killed; 0: nobody wants it to
				      end */
	int64_t asked_ms;	   /* to end */
	bool is_killed;
	char step[160]; /* the last one towards its end */
	bool is_step_new;
	bool cause_known;
	enum job_cause cause;
	int code;
	int stage;
	char why[128]; /* the caller's, before job_end() with JOB_STUCK */
	struct vitals vitals;
	/* What was still alive after the main process: "sleep 99 (pid 12)". */
	char leftovers[JOB_LEFTOVERS_SIZE];
};

/*
 * Starts it, and its limits' time: what the caller did before isn't counted.
 * Returns 0, also when the exec will fail (job_poll() tells); -1 with errno
 * when nothing was started.
 */
int job_start(struct job *j, const struct job_command *command);

/* The same for one text that `sh -c` runs; command->argv is not looked at. */
int job_start_shell(
    struct job *j, const char *text, const struct job_command *command);

/*
 * To be called after SIGCHLD and once a second: reaps, reads the clocks, ends
 * what is to be ended. Returns true when the job is over, cause known and tree
 * empty; once.
 */
bool job_poll(struct job *j, int64_t now_ms);

/* Asks it to end, for that cause unless it has one already: TERM now, KILL to
 * the whole tree after grace_ms. */
void
job_end(struct job *j, enum job_cause cause, int64_t grace_ms, int64_t now_ms);

/* What was done to end it, once: "silent for 5m: asked to end (TERM)", "still
 * there after 5s: killed (KILL)"; NULL when nothing was since. The transcript
 * has it already. */
const char *job_new_step(struct job *j);

/* How it ended, for people: "exit 2", "signal 9 (Killed)", "silent for 5m". */
void job_describe(const struct job *j, char *buf, size_t size);

#endif
