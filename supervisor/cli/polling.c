#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/keepers.h"
#include "cli/polling.h"
#include "cli/tell.h"
#include "store/queries_fleet.h"

#define LOOK_MS	    20
#define PATIENCE_MS 7000
#define BUSY_MS	    100

/* Whether one loop's row says that it has obeyed. */
struct row_look {
	const char *name;
	bool paused;
};

static bool
polls(const struct overview_component *c)
{
	if (c->config != NULL)
		return c->config->heartbeat == HEARTBEAT_DATABASE;
	return c->record.heartbeat == HEARTBEAT_DATABASE;
}

/* The pid that runs, 0 for none. */
static pid_t
running_pid(const struct cli *cli, const struct overview_component *c)
{
	struct keeper_seen seen;

	keepers_look(&seen, cli->state_directory, c->name);
	return seen.pid != 0 && seen.has_record &&
		seen.component.state == COMPONENT_RUNNING
	    ? seen.record.pid
	    : 0;
}

static int
look_at_row(const struct loop_row *row, void *argument)
{
	struct row_look *look = argument;

	if (strcmp(row->id, look->name) == 0)
		look->paused = strcmp(row->status, "paused") == 0;
	return 0;
}

/* A database that can't be asked now says nothing. */
static bool
says_paused(const struct cli *cli, const char *name)
{
	struct row_look look = { .name = name };
	struct store s;

	if (store_open_within(&s, cli->state_directory, STORE_READ, BUSY_MS) <
	    0)
		return false;
	(void)queries_each_loop(&s, look_at_row, &look);
	store_close(&s);
	return look.paused;
}

/* One that was asked. */
struct asked {
	const char *name;
	const struct overview_component *c;
	pid_t pid; /* that was asked; 0: nothing is waited for any more */
};

/* Whoever has obeyed is paused at once: if it ended, its keeper would start it
 * again. Returns how many haven't. */
static size_t
look(struct cli *cli, struct asked *asked, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		const char *const words[] = { "pause", asked[i].name };
		char reply[CONTROL_REPLY_MAX];

		if (asked[i].pid == 0)
			continue;
		if (running_pid(cli, asked[i].c) == asked[i].pid &&
		    !says_paused(cli, asked[i].name)) {
			left++;
			continue;
		}
		asked[i].pid = 0;
		(void)ask_daemon(cli, words, 2, reply);
	}
	return left;
}

void
polling_request(struct cli *cli, struct overview_component *const *targets,
    size_t n, const char *why)
{
	struct asked *asked = calloc(n + 1, sizeof(*asked));
	int64_t begun_ms = clock_ms(), limit_ms = 0;
	size_t nasked = 0;

	for (size_t i = 0; asked != NULL && i < n; i++) {
		const struct overview_component *c = targets[i];
		pid_t pid = polls(c) ? running_pid(cli, c) : 0;

		if (pid == 0)
			continue;
		tell_event(cli, "pause_requested", c->name, why);
		asked[nasked++] = (struct asked){ c->name, c, pid };
		if (c->config != NULL && c->config->stop_timeout_ms > limit_ms)
			limit_ms = c->config->stop_timeout_ms;
	}
	if (limit_ms > PATIENCE_MS)
		limit_ms = PATIENCE_MS;
	while (clock_ms() - begun_ms < limit_ms && look(cli, asked, nasked) > 0)
		(void)poll(NULL, 0, LOOK_MS);
	free(asked);
}
