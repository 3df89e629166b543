/* down: ends the fleet in order, and waits until nothing of it is left. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/io.h"
#include "base/path.h"
#include "cli/commands.h"
#include "cli/down.h"
#include "cli/keepers.h"
#include "cli/options.h"
#include "cli/owner.h"
#include "cli/settle.h"
#include "control/control.h"
#include "system/lock.h"
#include "system/pidfd.h"

#define LOOK_MS	     500
#define LOOK_SOON_MS 20
#define SAY_AFTER_MS 2000
#define SAY_AGAIN_MS 10000
#define SAY_MAX	     10

struct wait_for_end {
	int64_t begun_ms;
	int64_t said_ms;
};

bool
down_is_clean(const char *state_directory)
{
	char path[PATH_SIZE], target[PATH_SIZE];

	return path_format(path, "%s/run", state_directory) == 0 &&
	    readlink(path, target, sizeof(target)) < 0;
}

/* Keepers whose daemon is dead end by SIGTERM: first what is no
 * housekeeping, and when that is gone, the rest. */
static void
end_orphans(const struct keepers *k, const char *state_directory)
{
	char path[PATH_SIZE];
	bool others = false;

	for (size_t i = 0; i < k->n; i++)
		others = others || !k->items[i].record.housekeeping;
	for (size_t i = 0; i < k->n; i++) {
		if (others && k->items[i].record.housekeeping)
			continue;
		if (path_format(path, "run/c/%s/lock", k->items[i].name) == 0)
			(void)keepers_signal_lock(
			    state_directory, path, SIGTERM);
	}
}

int
down_ask(const char *state_directory)
{
	const char *const words[] = { "down" };
	char reply[CONTROL_REPLY_MAX];
	bool refused;

	/* Who is stopped hears nothing. */
	(void)keepers_signal_lock(state_directory, LOCK_GUARDIAN, SIGCONT);
	(void)keepers_signal_lock(state_directory, LOCK_DAEMON, SIGCONT);
	if (control_request(state_directory, words, 1, reply, sizeof(reply)) ==
	    0)
		return 0;
	refused = errno == EPROTO;
	if (keepers_signal_lock(state_directory, LOCK_GUARDIAN, SIGTERM) == 0 ||
	    keepers_signal_lock(state_directory, LOCK_DAEMON, SIGTERM) == 0)
		return 0;
	if (refused)
		(void)cli_error(CLI_FAILED, "%s", reply);
	errno = refused ? EPERM : ESRCH;
	return -1;
}

/* CLI_FAILED, after naming it, when a process can't be ended. */
static int
find_unkillable(const struct keepers *k)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < k->n; i++)
		if (k->items[i].component.unkillable)
			code = settle_unkillable(
			    &k->items[i], "the rest ends when it is gone");
	return code;
}

static void
say(struct wait_for_end *w, const struct keepers *k, int64_t now_ms)
{
	int64_t last_ms = w->said_ms == 0 ? w->begun_ms : w->said_ms;
	int64_t pause_ms = w->said_ms == 0 ? SAY_AFTER_MS : SAY_AGAIN_MS;

	if (now_ms - last_ms < pause_ms)
		return;
	w->said_ms = now_ms;
	if (k->n == 0)
		(void)printf("waiting for the supervisor itself\n");
	for (size_t i = 0; i < k->n && i < SAY_MAX; i++) {
		const struct keeper_seen *s = &k->items[i];
		char age[DURATION_SIZE];

		duration_format(age, now_ms - s->component.since_ms);
		(void)printf("waiting for %s: %s for %s\n", s->name,
		    component_state_name(s->component.state), age);
	}
	if (k->n > SAY_MAX)
		(void)printf("waiting for %zu more\n", k->n - SAY_MAX);
	(void)fflush(stdout);
}

/* Until the supervisor's process that outlives all others has ended, or it is
 * time to look at what is left. */
static void
pause_for_supervisor(const char *state_directory)
{
	pid_t guardian, daemon, last = 0;
	struct pollfd p = { .fd = -1, .events = POLLIN };

	if (keepers_supervisor(state_directory, &guardian, &daemon))
		last = guardian != 0 ? guardian : daemon;
	if (last != 0)
		p.fd = pidfd_get(last);
	(void)poll(&p, 1, p.fd >= 0 ? LOOK_MS : LOOK_SOON_MS);
	io_close(&p.fd);
}

static int
wait_for_end(const char *state_directory)
{
	struct wait_for_end w = { .begun_ms = clock_ms() };

	for (;;) {
		struct keepers k;
		int code;
		bool any;

		/* First of all: who is asked is left alone to do it. */
		pause_for_supervisor(state_directory);
		if (keepers_read(&k, state_directory) < 0)
			return cli_error(CLI_FAILED, "%s", strerror(errno));
		any = keepers_any(&k);
		code = find_unkillable(&k);
		/* Also what is left of a daemon that died meanwhile. */
		if (k.guardian == 0 && k.daemon == 0)
			end_orphans(&k, state_directory);
		if (any && code == CLI_DONE)
			say(&w, &k, clock_ms());
		keepers_free(&k);
		if (!any || code != CLI_DONE)
			return code;
	}
}

/* Where events wait that could be written neither to the database nor to
 * disk: only then the run directory's spool outlives the fleet. */
static void
tell_spool(const char *spool, const char *state_directory)
{
	if (spool[0] == '\0' || access(spool, F_OK) < 0)
		return;
	(void)cli_error(CLI_DONE,
	    "the last events can't be written to %s; they wait in %s for the "
	    "next 'loopkeeper up', but not beyond a reboot",
	    state_directory, spool);
}

static void
print_plan(const struct keepers *k)
{
	for (size_t i = 0; i < k->n; i++)
		(void)printf("would stop %s (pid %d)\n", k->items[i].name,
		    (int)k->items[i].record.pid);
	if (k->daemon != 0)
		(void)printf("would end the daemon (pid %d)\n", (int)k->daemon);
	if (k->guardian != 0)
		(void)printf(
		    "would end the guardian (pid %d)\n", (int)k->guardian);
}

static int
down(struct cli *cli, bool dry_run)
{
	const char *state = cli->state_directory;
	char link[PATH_SIZE], spool[PATH_SIZE] = "";
	struct keepers k;
	bool any;

	if (path_format(link, "%s/run/spool", state) < 0 ||
	    realpath(link, spool) == NULL)
		spool[0] = '\0';
	if (dry_run || down_ask(state) < 0) {
		if (!dry_run && errno == EPERM)
			return CLI_FAILED;
		if (keepers_read(&k, state) < 0)
			return cli_error(CLI_FAILED, "%s", strerror(errno));
		any = keepers_any(&k);
		if (!any)
			(void)printf("not running\n");
		else if (dry_run)
			print_plan(&k);
		keepers_free(&k);
		if (!any || dry_run)
			return CLI_DONE;
		owner_only(cli,
		    "end what is left, as the daemon doesn't answer; try again "
		    "when it is back");
	}
	if (wait_for_end(state) != CLI_DONE)
		return CLI_FAILED;
	(void)printf("down: nothing of the fleet is left\n");
	tell_spool(spool, state);
	return CLI_DONE;
}

int
down_run(struct cli *cli, int argc, char **argv)
{
	bool now = false, yes = false, dry_run = false;
	const struct option_spec specs[] = {
		{ .name = "now", .flag = &now },
		{ .name = "yes", .letter = 'y', .flag = &yes },
		{ .name = "dry-run", .flag = &dry_run },
	};

	(void)options_parse(cli, argc, argv, specs, 3, 0, 0);
	cli_locate(cli);
	return now && !dry_run ? down_now(cli, yes) : down(cli, dry_run);
}
