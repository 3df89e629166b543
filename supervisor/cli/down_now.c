/*
 * down --now asks nobody. Guardian, daemon and every keeper, found by their
 * locks, are stopped (SIGSTOP), so that nobody restarts anything. A stopped
 * keeper still adopts the orphans of its tree: its children are killed again
 * and again until only zombies are left. Then the keepers, the daemon, what is
 * left of its children, and the guardian with its children last.
 * Children without a lock go first of all: they may be about to take one.
 *
 * From inside the fleet, our own ancestors are spared to the very end.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/commands.h"
#include "cli/down.h"
#include "cli/keepers.h"
#include "cli/owner.h"
#include "store/intake.h"
#include "system/cgroup.h"
#include "system/pidfd.h"
#include "system/process.h"
#include "system/sweep.h"

#define LOOK_MS	    2
#define PATIENCE_MS 5000
#define CHILDREN    8192
#define ANCESTORS   64

/* One process of the supervisor, stopped and held. */
struct held {
	pid_t pid;
	int pidfd;
};

struct killing {
	const char *state_directory;
	struct held guardian, daemon;
	struct held *keepers;
	size_t nkeepers;
	pid_t ancestors[ANCESTORS]; /* of ours, and ourselves, below a keeper */
	size_t nancestors;
	pid_t *children;
	size_t killed;
	size_t survivors; /* named already */
	int cgroup;	  /* where the fleet's is: the keepers' own */
};

static int
hold(struct held *h, pid_t pid)
{
	*h = (struct held){ .pid = pid, .pidfd = pidfd_get(pid) };
	if (h->pidfd >= 0 && pidfd_signal(h->pidfd, SIGSTOP) == 0)
		return 0;
	io_close(&h->pidfd);
	return -1;
}

static bool
is_held(const struct killing *k, pid_t pid)
{
	for (size_t i = 0; i < k->nkeepers; i++)
		if (k->keepers[i].pid == pid)
			return true;
	return false;
}

/* Stops keepers that aren't yet. Returns how many, or -1 with errno. */
static int
stop_keepers(struct killing *k, const struct keepers *living)
{
	struct held *more = reallocarray(
	    k->keepers, k->nkeepers + living->n + 1, sizeof(*more));
	int found = 0;

	if (more == NULL)
		return -1;
	k->keepers = more;
	for (size_t i = 0; i < living->n; i++) {
		if (is_held(k, living->items[i].pid) ||
		    hold(&k->keepers[k->nkeepers], living->items[i].pid) < 0)
			continue;
		if (k->cgroup < 0)
			k->cgroup = cgroup_open_of(living->items[i].pid);
		k->nkeepers++;
		found++;
	}
	return found;
}

static void
stop_one(struct held *h, pid_t pid)
{
	if (pid == 0 || pid == h->pid)
		return;
	io_close(&h->pidfd);
	(void)hold(h, pid);
}

/* Until nobody new is found: then nobody is left who could start anybody. */
static int
stop_all(struct killing *k)
{
	int found;

	do {
		struct keepers living;

		if (keepers_read(&living, k->state_directory) < 0)
			return -1;
		found =
		    living.guardian != k->guardian.pid && living.guardian != 0;
		stop_one(&k->guardian, living.guardian);
		found |= living.daemon != k->daemon.pid && living.daemon != 0;
		stop_one(&k->daemon, living.daemon);
		found |= stop_keepers(k, &living);
		keepers_free(&living);
	} while (found > 0);
	return found;
}

static bool
is_ancestor(const struct killing *k, pid_t pid)
{
	for (size_t i = 0; i < k->nancestors; i++)
		if (k->ancestors[i] == pid)
			return true;
	return false;
}

static bool
is_supervisor(const struct killing *k, pid_t pid)
{
	return is_held(k, pid) || pid == k->daemon.pid ||
	    pid == k->guardian.pid;
}

/* Fills ancestors with the line from us up to the supervisor's process above
 * us. Returns whether there is one. */
static bool
find_ancestors(struct killing *k)
{
	struct process p;
	pid_t pid = getpid();

	for (k->nancestors = 0; k->nancestors < ANCESTORS && pid > 1;
	     pid = p.ppid) {
		if (is_supervisor(k, pid))
			return true;
		k->ancestors[k->nancestors++] = pid;
		if (process_read(pid, &p) < 0)
			break;
	}
	k->nancestors = 0;
	return false;
}

static void
name_survivor(struct killing *k, const struct process *p)
{
	char channel[PROCESS_WAIT_CHANNEL_SIZE];

	process_wait_channel(p->pid, channel);
	k->survivors++;
	(void)cli_error(CLI_FAILED,
	    "process %d (%s, state %c, waits in %s) survives SIGKILL",
	    (int)p->pid, p->comm, p->state,
	    channel[0] == '\0' ? "an unknown place" : channel);
}

/* Kills the children of parent once. Returns how many were alive. */
static size_t
kill_children(struct killing *k, pid_t parent, bool name)
{
	ssize_t n = process_children(parent, k->children, CHILDREN);
	size_t alive = 0;

	for (ssize_t i = 0; i < n && i < CHILDREN; i++) {
		pid_t pid = k->children[i];
		struct process p;
		struct held h;

		if (is_supervisor(k, pid) || is_ancestor(k, pid))
			continue;
		h.pid = pid;
		h.pidfd = pidfd_get(pid);
		/* Looked at after it is held: it is this one, and a child. */
		if (h.pidfd >= 0 && process_read(pid, &p) == 0 &&
		    p.ppid == parent && p.state != 'Z' && p.state != 'X') {
			(void)pidfd_signal(h.pidfd, SIGKILL);
			alive++;
			if (name)
				name_survivor(k, &p);
		}
		io_close(&h.pidfd);
	}
	return alive;
}

/* Again and again until only zombies are left below parent, or only what
 * can't be killed, which is named. */
static void
empty(struct killing *k, pid_t parent)
{
	int64_t give_up_ms = clock_ms() + PATIENCE_MS;
	size_t alive, most = 0;

	while ((alive = kill_children(k, parent, false)) > 0 &&
	    clock_ms() < give_up_ms) {
		most = alive > most ? alive : most;
		(void)poll(NULL, 0, LOOK_MS);
	}
	k->killed += most;
	if (alive > 0)
		(void)kill_children(k, parent, true);
}

static void
kill_held(struct killing *k, struct held *h)
{
	struct pollfd p = { .fd = h->pidfd, .events = POLLIN };
	struct process process;

	if (h->pidfd < 0)
		return;
	if (pidfd_signal(h->pidfd, SIGKILL) == 0)
		k->killed++;
	if (poll(&p, 1, PATIENCE_MS) == 0 &&
	    process_read(h->pid, &process) == 0)
		name_survivor(k, &process);
	io_close(&h->pidfd);
}

/* A daemon or keeper that has just been forked holds no lock yet. */
static void
kill_newborn(struct killing *k)
{
	if (k->guardian.pid != 0)
		empty(k, k->guardian.pid);
	if (k->daemon.pid != 0)
		empty(k, k->daemon.pid);
}

static void
kill_all(struct killing *k)
{
	for (size_t i = 0; i < k->nkeepers; i++)
		empty(k, k->keepers[i].pid);
	for (size_t i = 0; i < k->nkeepers; i++)
		(void)pidfd_signal(k->keepers[i].pidfd, SIGKILL);
	for (size_t i = 0; i < k->nkeepers; i++)
		kill_held(k, &k->keepers[i]);
	if (k->daemon.pid != 0)
		empty(k, k->daemon.pid);
	kill_held(k, &k->daemon);
	if (k->guardian.pid != 0)
		empty(k, k->guardian.pid);
	kill_held(k, &k->guardian);
	/* Those above us; what is below them has no supervisor any more. */
	for (size_t i = k->nancestors; i-- > 1;)
		(void)kill(k->ancestors[i], SIGKILL);
}

/* Every lock is free. Returns whether it is so. */
static bool
prove(struct killing *k)
{
	int64_t give_up_ms = clock_ms() + PATIENCE_MS;
	struct keepers living;

	for (;;) {
		bool any = true;

		if (keepers_read(&living, k->state_directory) == 0)
			any = keepers_any(&living);
		if (any && clock_ms() > give_up_ms)
			break;
		keepers_free(&living);
		if (!any)
			return true;
		(void)poll(NULL, 0, LOOK_MS);
	}
	if (living.guardian != 0)
		(void)cli_error(CLI_FAILED, "the guardian (pid %d) lives",
		    (int)living.guardian);
	if (living.daemon != 0)
		(void)cli_error(CLI_FAILED, "the daemon (pid %d) lives",
		    (int)living.daemon);
	for (size_t i = 0; i < living.n; i++)
		(void)cli_error(CLI_FAILED, "the keeper of %s (pid %d) lives",
		    living.items[i].name, (int)living.items[i].pid);
	keepers_free(&living);
	return false;
}

static void
let_go(struct held *h)
{
	if (h->pidfd >= 0)
		(void)pidfd_signal(h->pidfd, SIGCONT);
	io_close(&h->pidfd);
}

static void
release(struct killing *k)
{
	for (size_t i = 0; i < k->nkeepers; i++)
		let_go(&k->keepers[i]);
	let_go(&k->daemon);
	let_go(&k->guardian);
	io_close(&k->cgroup);
	free(k->keepers);
	free(k->children);
}

/* Events that nobody has stored are kept on disk; the rest of the run
 * directory goes. */
static void
clean(const struct cli *cli, struct killing *k)
{
	struct intake intake;
	int result = -1;

	(void)signal(SIGIO, SIG_IGN); /* store/intake.h */
	if (intake_open(&intake, cli->state_directory) == 0) {
		result = intake_keep(&intake);
		intake_close(&intake);
	}
	if (result < 0)
		(void)cli_error(CLI_FAILED, "events stay in %s/run/spool: %s",
		    cli->state_directory, strerror(errno));
	if (k->cgroup < 0)
		k->cgroup = cgroup_open_of(getpid());
	if (sweep_rundir(cli->state_directory, k->cgroup) < 0)
		(void)cli_error(CLI_FAILED, "%s/run: %s", cli->state_directory,
		    strerror(errno));
}

/* What `up` will find. */
static void
show_repairs(struct cli *cli)
{
	char name[] = "recover", option[] = "--dry-run";
	char *argv[] = { name, option, NULL };

	(void)recover_run(cli, 2, argv);
}

static int
finish(struct cli *cli, struct killing *k)
{
	bool proven = prove(k);

	if (k->survivors > 0 || !proven)
		return CLI_FAILED;
	clean(cli, k);
	(void)printf(
	    "killed %zu processes; nothing of the fleet is left\n", k->killed);
	show_repairs(cli);
	return CLI_DONE;
}

static int
end(struct cli *cli, struct killing *k, bool yes)
{
	if (k->children == NULL || stop_all(k) < 0)
		return cli_error(
		    CLI_FAILED, "cannot stop the fleet: %s", strerror(errno));
	if (k->nkeepers == 0 && k->daemon.pid == 0 && k->guardian.pid == 0) {
		(void)printf("not running\n");
		return CLI_DONE;
	}
	if (find_ancestors(k) && !yes)
		return cli_error(CLI_FAILED,
		    "this process is part of the fleet, and would end with "
		    "it: --yes if that is meant");
	kill_newborn(k);
	/* One may have forked others before it was found. */
	if (stop_all(k) < 0)
		(void)cli_error(CLI_FAILED, "cannot look again for keepers: %s",
		    strerror(errno));
	kill_all(k);
	return finish(cli, k);
}

int
down_now(struct cli *cli, bool yes)
{
	struct killing k = { .state_directory = cli->state_directory,
		.guardian = { .pidfd = -1 },
		.daemon = { .pidfd = -1 },
		.children = calloc(CHILDREN, sizeof(*k.children)),
		.cgroup = -1 };
	int code;

	owner_only(
	    cli, "kill the fleet; 'loopkeeper down' asks it to end by itself");
	code = end(cli, &k, yes);
	release(&k);
	return code;
}
