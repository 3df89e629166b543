#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "keeper/start.h"
#include "keeper/step.h"
#include "system/process.h"

/* Variables that are ours to set: an inherited or configured one never gets
 * through. */
static const char *const own[] = { "LOOPKEEPER_COMPONENT=",
	"LOOPKEEPER_CONFIG=", "LOOPKEEPER_DB=", "LOOPKEEPER_STATE_DIRECTORY=",
	"LOOPKEEPER_MODE_FILE=", "LOOPKEEPER_CONTROL=", "LOOPKEEPER_SPOOL=",
	"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "LISTEN_FDS=",
	"LISTEN_PID=", "LISTEN_FDNAMES=", "MAINPID=" };
#define NOWN (sizeof(own) / sizeof(own[0]))

static void
unfit(struct keeper *k, enum spawn_stage stage, int error)
{
	if (k->unfit.stage == SPAWN_NONE)
		k->unfit = (struct spawn_failure){ .stage = (int32_t)stage,
			.error = error };
}

/* One more pointer of the list that is being built. */
static void
add(struct keeper *k, char *text)
{
	if (k->npointers == k->maxpointers)
		unfit(k, SPAWN_ARGUMENTS, E2BIG);
	else
		k->pointers[k->npointers++] = text;
}

static char *
config_string(struct keeper *k, struct config_list list, uint32_t i)
{
	return k->config->text +
	    (config_item(k->config, list, i) - k->config->text);
}

static char **
add_command(struct keeper *k, struct config_list list)
{
	char **first = &k->pointers[k->npointers];

	for (uint32_t i = 0; i < list.count; i++)
		add(k, config_string(k, list, i));
	add(k, NULL);
	return first;
}

/* Composes a string that lasts until the next configuration. */
static char *compose(struct keeper *k, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static char *
compose(struct keeper *k, const char *format, ...)
{
	char *text = k->strings + k->nstrings;
	size_t room = KEEPER_STRINGS - k->nstrings;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, room, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		unfit(k, SPAWN_ARGUMENTS, E2BIG);
	else
		k->nstrings += (size_t)n + 1;
	return text;
}

static bool
same_variable(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return strncmp(a, b, n) == 0 && b[n] == '=';
}

static bool
is_own(const char *variable)
{
	for (size_t i = 0; i < NOWN; i++)
		if (same_variable(own[i], variable))
			return true;
	return false;
}

static bool
is_configured(struct keeper *k, const char *variable)
{
	const struct config_list list = k->config->environment;

	for (uint32_t i = 0; i < list.count; i++)
		if (same_variable(config_string(k, list, i), variable))
			return true;
	return false;
}

/* Another user can't write to the fleet's spool: he has a folder there. */
static void
add_spool(struct keeper *k)
{
	const struct component_config *config = k->config;
	char path[PATH_SIZE];

	if (!config->has_user) {
		add(k,
		    compose(k, "LOOPKEEPER_SPOOL=%s/spool", k->run_directory));
		return;
	}
	if (path_format(path, "%s/spool/%s", k->run_directory, config->name) <
		0 ||
	    (mkdir(path, 0700) < 0 && errno != EEXIST) ||
	    lchown(path, config->uid, config->gid) < 0)
		unfit(k, SPAWN_USER, errno);
	add(k, compose(k, "LOOPKEEPER_SPOOL=%s", path));
}

static void
add_own(struct keeper *k)
{
	add(k, compose(k, "LOOPKEEPER_COMPONENT=%s", k->name));
	add(k, compose(k, "LOOPKEEPER_CONFIG=%s", k->config_path));
	add(k,
	    compose(k, "LOOPKEEPER_DB=%s/coordination.db", k->state_directory));
	add(k, compose(k, "LOOPKEEPER_STATE_DIRECTORY=%s", k->state_directory));
	add(k, compose(k, "LOOPKEEPER_MODE_FILE=%s/mode", k->run_directory));
	add(k, compose(k, "LOOPKEEPER_CONTROL=%s/control", k->run_directory));
	add_spool(k);
	add(k, compose(k, "NOTIFY_SOCKET=%s", k->notify.path));
	if (k->config->heartbeat != HEARTBEAT_NOTIFY)
		return;
	add(k,
	    compose(k, "WATCHDOG_USEC=%" PRId64,
		k->config->heartbeat_timeout_ms * 1000 / 2));
	/* The child writes its own pid over the zeros. */
	k->spawn.pid_text =
	    compose(k, "WATCHDOG_PID=0000000000") + strlen("WATCHDOG_PID=");
	add(k, k->spawn.pid_text - strlen("WATCHDOG_PID="));
}

static char **
add_environment(struct keeper *k)
{
	static char unbuffered[] = "PYTHONUNBUFFERED=1";
	const struct config_list list = k->config->environment;
	char **first = &k->pointers[k->npointers];
	bool found = is_configured(k, unbuffered);

	for (char **e = k->environment; *e != NULL; e++) {
		if (is_own(*e) || is_configured(k, *e))
			continue;
		found = found || same_variable(unbuffered, *e);
		add(k, *e);
	}
	for (uint32_t i = 0; i < list.count; i++)
		if (!is_own(config_string(k, list, i)))
			add(k, config_string(k, list, i));
	if (!found)
		add(k, unbuffered);
	add_own(k);
	add(k, NULL);
	return first;
}

/* What can't be enforced is said; where it is required nothing starts. */
static void
not_enforced(struct keeper *k, const char *what, int error)
{
	struct buf b;
	char *text = k->record.limits;
	size_t len = strlen(text);

	buf_init(&b, text + len, sizeof(k->record.limits) - len);
	buf_addf(
	    &b, "%s%s: %s", len > 0 ? "; " : "", what, strerrordesc_np(error));
	if (k->config->limits.required)
		unfit(k, SPAWN_LIMITS_REQUIRED, error);
}

static void
add_limit(struct keeper *k, __rlimit_resource_t resource, const char *name,
    int64_t value)
{
	struct spawn_limit *l = &k->spawn.limits[k->spawn.nlimits];
	struct rlimit now;

	if (value < 0 || getrlimit(resource, &now) < 0)
		return;
	*l = (struct spawn_limit){ .resource = resource,
		.soft = (rlim_t)value,
		.hard = (rlim_t)value };
	if (l->hard > now.rlim_max && geteuid() != 0) {
		not_enforced(k, name, EPERM);
		l->soft = l->hard = now.rlim_max;
	}
	k->spawn.nlimits++;
}

static void
add_limits(struct keeper *k)
{
	const struct config_limits *limits = &k->config->limits;

	k->record.limits[0] = '\0';
	add_limit(k, RLIMIT_NPROC, "nproc", limits->nproc);
	add_limit(k, RLIMIT_CORE, "core", limits->core);
	if (limits->nofile >= 0)
		add_limit(k, RLIMIT_NOFILE, "nofile", limits->nofile);
	else if (k->nofile_soft > 0)
		k->spawn.limits[k->spawn.nlimits++] =
		    (struct spawn_limit){ .resource = RLIMIT_NOFILE,
			    .soft = k->nofile_soft,
			    .hard = SPAWN_KEEP_HARD };
	if (k->cgroup.fd >= 0) {
		if (cgroup_limit(&k->cgroup, limits->memory, limits->pids) < 0)
			not_enforced(k, "memory, pids", errno);
	} else if (limits->memory >= 0 || limits->pids >= 0) {
		not_enforced(k, "memory, pids: no cgroup", ENOTSUP);
	}
}

static void
take_user(struct keeper *k)
{
	const struct component_config *config = k->config;

	k->spawn.has_user = config->has_user;
	k->spawn.uid = config->uid;
	k->spawn.gid = config->gid;
	k->spawn.ngroups = config->ngroups;
	k->spawn.groups = config->groups;
	if (notify_give(&k->notify, k->dirfd,
		config->has_user ? config->uid : geteuid(),
		config->has_user ? config->gid : getegid()) < 0)
		unfit(k, SPAWN_USER, errno);
}

/* Behind the configuration, as closely as its parts allow. */
static void
divide_space(struct keeper *k)
{
	const struct component_config *config = k->config;
	size_t used = k->nwords + ((config->size + 15U) & ~(size_t)15);
	size_t n = config->command.count + config->fallback.count +
	    config->environment.count + 3 + NOWN + 1;

	for (char **e = k->environment; *e != NULL; e++)
		n++;
	k->npointers = k->nstrings = 0;
	k->pointers = (void *)(k->space + used);
	k->maxpointers =
	    (sizeof(k->space) - KEEPER_STRINGS - used) / sizeof(char *);
	if (n < k->maxpointers)
		k->maxpointers = n;
	k->strings = (char *)(k->pointers + k->maxpointers);
}

void
start_prepare(struct keeper *k)
{
	const struct component_config *config = k->config;
	struct spawn *s = &k->spawn;

	divide_space(k);
	k->unfit = (struct spawn_failure){ .stage = SPAWN_NONE };
	spawn_init(s);
	k->command = add_command(k, config->command);
	k->fallback = add_command(k, config->fallback);
	s->envp = add_environment(k);
	s->directory = config_text(config, config->working_directory);
	s->stdout_fd = k->output.write_fd[OUTPUT_STDOUT];
	s->stderr_fd = k->output.write_fd[OUTPUT_STDERR];
	s->session = true;
	s->default_signals = true; /* since our birth */
	s->death_signal = SIGKILL;
	s->has_umask = config->umask >= 0;
	s->umask = (mode_t)config->umask;
	s->nice = config->nice;
	s->has_oom = true;
	s->oom_score_adj = config->oom_score_adj;
	s->no_new_privs = config->no_new_privs;
	s->cgroup_fd = k->cgroup.fd;
	if (k->cgroup.fd < 0 && k->record.tree == TREE_CGROUP)
		k->record.tree = TREE_REAPER;
	take_user(k);
	add_limits(k);
}

/* Forgets what was said and found of the one before. */
static void
forget(struct keeper *k)
{
	k->failure = (struct spawn_failure){ .stage = SPAWN_NONE };
	k->notify_refused = false;
	k->refused_pid = 0;
	k->ending_ms = 0;
	k->error = 0;
	k->interval_ms = 0;
	k->record.status_text[0] = '\0';
	k->record.unkillable_pid = 0;
	k->record.wait_channel[0] = '\0';
	k->config->heartbeat = k->heartbeat;
	k->config->heartbeat_timeout_ms = k->heartbeat_timeout_ms;
	k->config->heartbeat_late_ms = k->heartbeat_late_ms;
}

/* Forks; once more where somebody has removed its cgroup, empty as it was. */
static pid_t
fork_component(struct keeper *k, struct spawn_failure *failure)
{
	pid_t pid;

	k->spawn.argv = k->c.fallback ? k->fallback : k->command;
	pid = spawn_start(&k->spawn, &k->startup_fd, failure);
	if (pid >= 0 || k->cgroup.fd < 0 ||
	    (failure->error != ENODEV && failure->error != ENOENT))
		return pid;
	k->cgroup.killed = true; /* as good as */
	(void)cgroup_renew(&k->cgroup);
	start_prepare(k);
	k->spawn.argv = k->c.fallback ? k->fallback : k->command;
	return spawn_start(&k->spawn, &k->startup_fd, failure);
}

static bool
is_ready_by_exec(const struct keeper *k)
{
	return k->config->ready == READY_EXEC || k->c.fallback;
}

int
start_now(struct keeper *k, struct component_death *ret)
{
	const struct component_config *config = k->config;
	struct spawn_failure failure = k->unfit;
	uint64_t before = 0;
	pid_t pid = -1;

	forget(k);
	if (cgroup_renew(&k->cgroup) != 0) {
		start_prepare(k);
		failure = k->unfit;
	}
	if (failure.stage == SPAWN_NONE &&
	    output_prepare(
		&k->output, config->has_user, config->uid, config->gid) < 0)
		failure = (struct spawn_failure){ .stage = SPAWN_OUTPUT,
			.error = errno };
	if (failure.stage == SPAWN_NONE) {
		before = process_start_now();
		pid = fork_component(k, &failure);
	}
	if (pid < 0) {
		*ret = (struct component_death){ .cause = CAUSE_START_FAILED,
			.stage = failure.stage,
			.error = failure.error };
		return -1;
	}
	k->pid = k->child = pid;
	/* In between two ticks: whoever needs it reads it. */
	k->pid_start = process_start_now() == before ? before : 0;
	/* The successor first: what is to be written down has time. */
	(void)sched_yield();
	k->start_hash = config->start_hash;
	k->childless = false;
	/* One that says itself that it is ready, or dies of a failure, wakes us
	 * by that. */
	if (is_ready_by_exec(k))
		k->startup_key = loop_add(
		    &k->loop, k->startup_fd, EPOLLIN, SOURCE_STARTUP, NULL);
	return 0;
}

void
start_look(struct keeper *k)
{
	int result;

	if (k->startup_fd < 0)
		return;
	result = spawn_result(k->startup_fd, &k->failure);
	if (result == 0)
		return;
	loop_remove(&k->loop, &k->startup_key);
	io_close(&k->startup_fd);
	if (result > 0 && k->c.state == COMPONENT_STARTING &&
	    is_ready_by_exec(k))
		step_event(k, EVENT_READY, NULL);
}
