/*
 * Starting a process: fork and exec without ever waiting for either. What
 * goes wrong in the child before its new program runs comes back through a
 * close-on-exec pipe as {stage, errno}, so that a failed start is reported as
 * itself and never as "exited 127".
 */
#ifndef LOOPKEEPER_SYSTEM_SPAWN_H
#define LOOPKEEPER_SYSTEM_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* The steps of a start, in their order. */
enum spawn_stage {
	SPAWN_NONE,
	SPAWN_LIMITS_REQUIRED, /* a limit that must hold can't be enforced */
	SPAWN_ARGUMENTS,       /* too many for the space there is */
	SPAWN_PIPE,
	SPAWN_FORK,
	SPAWN_CGROUP,
	SPAWN_SETSID,
	SPAWN_SIGNALS,
	SPAWN_OUTPUT,
	SPAWN_OOM,
	SPAWN_NICE,
	SPAWN_LIMITS,
	SPAWN_USER,
	SPAWN_PRIVILEGES,
	SPAWN_CHDIR,
	SPAWN_DEATH_SIGNAL,
	SPAWN_PARENT, /* the keeper died meanwhile */
	SPAWN_EXEC,
};
#define SPAWN_STAGES 18

/* What comes back through the pipe when a start failed. */
struct spawn_failure {
	int32_t stage; /* enum spawn_stage */
	int32_t error; /* errno */
};

struct spawn_limit {
	__rlimit_resource_t resource; /* RLIMIT_... */
	rlim_t soft;
	rlim_t hard; /* RLIM_INFINITY - 1: as it is */
};
#define SPAWN_KEEP_HARD	 (RLIM_INFINITY - 1)
#define SPAWN_LIMITS_MAX 4

/* Everything that a child is given. All memory is the caller's and is ready
 * before the fork. */
struct spawn {
	char *const *argv; /* argv[0] is the path that is executed */
	char *const *envp;
	/* In one of envp's strings, room for a pid of 10 digits behind the
	 * "WATCHDOG_PID=", written by the child; NULL: none. */
	char *pid_text;
	const char *directory; /* NULL or "": as it is */
	int stdin_fd;	       /* -1: as it is; the same for the other two */
	int stdout_fd;
	int stderr_fd;
	bool session; /* setsid */
	/* The caller has no signal ignored or handled: none is to be reset. */
	bool default_signals;
	int death_signal; /* PR_SET_PDEATHSIG; 0: none */
	bool has_umask;
	mode_t umask;
	int nice;     /* 0: as it is */
	bool has_oom; /* oom_score_adj is written as far as allowed */
	int oom_score_adj;
	bool no_new_privs;
	bool has_user;
	uid_t uid;
	gid_t gid;
	size_t ngroups;
	const gid_t *groups;
	size_t nlimits;
	struct spawn_limit limits[SPAWN_LIMITS_MAX];
	int cgroup_fd; /* directory of the cgroup it begins in; -1: none */
};

/* A spawn with nothing set but "as it is" everywhere. */
void spawn_init(struct spawn *s);

/*
 * Forks and returns at once: the child's pid, with the read end of its error
 * pipe (close-on-exec, non-blocking) in *ret_fd; or -1, with *ret_failure
 * telling the stage and errno. The child resets its signals, does what s says
 * and execs; between fork and exec it only makes async-signal-safe calls.
 *
 * A point: the child waits $LOOPKEEPER_DELAY_BEFORE_EXEC_MS before its death
 * signal is set.
 */
pid_t spawn_start(
    const struct spawn *s, int *ret_fd, struct spawn_failure *ret_failure);

/*
 * Reads the error pipe. Returns 1 when the exec succeeded, 0 when it is not
 * known yet, -1 when the start failed (*ret says where). The caller closes fd
 * after 1 or -1.
 */
int spawn_result(int fd, struct spawn_failure *ret);

/* "chdir", "exec", ...; "?" for no stage. */
const char *spawn_stage_name(int stage);

#endif
