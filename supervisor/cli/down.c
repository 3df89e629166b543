/* down: ends the fleet in order, and waits until nothing of it is left. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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

/* Asks the daemon, else whoever can be had. */
static void
ask(const struct keepers *k, const char *state_directory)
{
	const char *const words[] = { "down" };
	char reply[CONTROL_REPLY_MAX];

	if (k->guardian == 0 && k->daemon == 0) {
		end_orphans(k, state_directory);
		return;
	}
	if (control_request(state_directory, words, 1, reply, sizeof(reply)) ==
	    0)
		return;
	if (keepers_signal_lock(state_directory, LOCK_GUARDIAN, SIGTERM) < 0)
		(void)keepers_signal_lock(
		    state_directory, LOCK_DAEMON, SIGTERM);
}

/* CLI_FAILED, after naming it, when a process can't be ended. */
static int
find_unkillable(const struct keepers *k)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < k->n; i++) {
		const struct keeper_seen *s = &k->items[i];

		if (!s->component.unkillable)
			continue;
		code = cli_error(CLI_FAILED,
		    "%s: process %d survives SIGKILL (waits in %s); the rest "
		    "ends when it is gone",
		    s->name, (int)s->record.unkillable_pid,
		    s->record.wait_channel[0] == '\0' ? "an unknown place"
						      : s->record.wait_channel);
	}
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
pause_for(const struct keepers *k)
{
	pid_t last = k->guardian != 0 ? k->guardian : k->daemon;
	struct pollfd p = { .fd = last != 0 ? pidfd_get(last) : -1,
		.events = POLLIN };

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

		if (keepers_read(&k, state_directory) < 0)
			return cli_error(CLI_FAILED, "%s", strerror(errno));
		any = keepers_any(&k);
		code = find_unkillable(&k);
		/* Also what is left of a daemon that died meanwhile. */
		if (k.guardian == 0 && k.daemon == 0)
			end_orphans(&k, state_directory);
		if (any && code == CLI_DONE)
			say(&w, &k, clock_ms());
		if (any && code == CLI_DONE)
			pause_for(&k);
		keepers_free(&k);
		if (!any || code != CLI_DONE)
			return code;
	}
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
	struct keepers k;
	size_t n;
	bool any;

	if (keepers_read(&k, cli->state_directory) < 0)
		return cli_error(CLI_FAILED, "%s", strerror(errno));
	any = keepers_any(&k);
	n = k.n;
	if (dry_run)
		print_plan(&k);
	else if (any)
		ask(&k, cli->state_directory);
	keepers_free(&k);
	if (!any) {
		(void)printf("not running\n");
		return CLI_DONE;
	}
	if (dry_run)
		return CLI_DONE;
	if (wait_for_end(cli->state_directory) != CLI_DONE)
		return CLI_FAILED;
	(void)printf("down: %zu keepers and all below them have ended\n", n);
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
	int code;

	switch (options_parse(cli, argc, argv, specs, 3, &code)) {
	case 0: break;
	case -1: return code;
	default: return cli_usage("down");
	}
	if (cli_locate(cli) != CLI_DONE)
		return CLI_FAILED;
	return now && !dry_run ? down_now(cli, yes) : down(cli, dry_run);
}
