#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/keepers.h"
#include "cli/polling.h"
#include "store/queries_fleet.h"

#define LOOK_MS 20
#define BUSY_MS 100

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
	const struct overview_component *c;
	pid_t pid;	  /* that was asked; 0: nothing is waited for */
	int64_t until_ms; /* its time to obey is over */
};

/* Its keeper is told first: having obeyed, it isn't to be started again. */
static void
request(struct cli *cli, struct asked *asked, const char *why)
{
	const char *const words[] = { "drain", asked->c->name };
	char reply[CONTROL_REPLY_MAX];

	if (ask_daemon(cli, words, 2, reply) != CLI_DONE)
		asked->pid = 0;
	else
		ask_tell(cli, "pause_requested", asked->c->name, why);
}

/* Whether one of them may still obey. */
static bool
goes_on(const struct cli *cli, struct asked *asked, size_t n)
{
	bool left = false;

	for (size_t i = 0; i < n; i++) {
		struct asked *a = &asked[i];

		if (a->pid != 0 &&
		    (clock_ms() >= a->until_ms ||
			running_pid(cli, a->c) != a->pid ||
			says_paused(cli, a->c->name)))
			a->pid = 0;
		left |= a->pid != 0;
	}
	return left;
}

void
polling_request(struct cli *cli, struct overview_component *const *targets,
    size_t n, const char *why)
{
	struct asked *asked = calloc(n + 1, sizeof(*asked));
	int64_t now_ms = clock_ms();
	size_t nasked = 0;

	for (size_t i = 0; asked != NULL && i < n; i++) {
		const struct overview_component *c = targets[i];
		struct asked *a = &asked[nasked];
		int64_t limit_ms = POLLING_LIMIT_MS;

		if (!polls(c) || (a->pid = running_pid(cli, c)) == 0)
			continue;
		if (c->config != NULL && c->config->stop_timeout_ms < limit_ms)
			limit_ms = c->config->stop_timeout_ms;
		a->c = c;
		a->until_ms = now_ms + limit_ms;
		request(cli, a, why);
		nasked++;
	}
	while (goes_on(cli, asked, nasked))
		(void)poll(NULL, 0, LOOK_MS);
	free(asked);
}
