#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/keepers.h"
#include "cli/polling.h"
#include "store/health.h"

#define LOOK_MS 20
#define BUSY_MS 100

bool
polling_is(const struct overview_component *c)
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

/* What it has written; a database that can't be asked now says nothing. */
static void
look(const struct cli *cli, const char *name, bool *ret_is_loop,
    bool *ret_paused)
{
	struct store s;

	*ret_is_loop = *ret_paused = false;
	if (store_open_within(&s, cli->state_directory, STORE_READ, BUSY_MS) <
	    0)
		return;
	(void)health_paused(&s, name, ret_is_loop, ret_paused);
	store_close(&s);
}

static bool
says_paused(const struct cli *cli, const char *name)
{
	bool is_loop, paused;

	look(cli, name, &is_loop, &paused);
	return paused;
}

/* One that was asked. */
struct asked {
	const struct overview_component *c;
	pid_t pid;	  /* that was asked; 0: nothing is waited for */
	int64_t until_ms; /* its time to obey is over */
};

static int64_t
limit_ms(const struct overview_component *c)
{
	if (c->config == NULL || c->config->stop_timeout_ms > POLLING_LIMIT_MS)
		return POLLING_LIMIT_MS;
	return c->config->stop_timeout_ms;
}

/* Its keeper is told first: having obeyed, it isn't to be started again. */
static void
request(struct cli *cli, struct asked *asked, bool after_test, const char *why)
{
	const char *name = asked->c->name;
	const char *const words[] = { "drain", name };
	char reply[CONTROL_REPLY_MAX];
	bool is_loop, paused;

	look(cli, name, &is_loop, &paused);
	asked->until_ms = clock_ms() + limit_ms(asked->c);
	if (ask_daemon(cli, words, 2, reply) != CLI_DONE) {
		asked->pid = 0;
		return;
	}
	ask_tell(cli, "pause_requested", name, is_loop ? name : NULL, why);
	if (!after_test || !is_loop)
		return;
	asked->until_ms = INT64_MAX;
	printf("%s: goes on with its test\n", name);
	(void)fflush(stdout);
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
    size_t n, bool after_test, const char *why)
{
	struct asked *asked = calloc(n + 1, sizeof(*asked));
	size_t nasked = 0;

	for (size_t i = 0; asked != NULL && i < n; i++) {
		struct asked *a = &asked[nasked];

		a->c = targets[i];
		if (!polling_is(a->c) || (a->pid = running_pid(cli, a->c)) == 0)
			continue;
		request(cli, a, after_test, why);
		nasked++;
	}
	while (goes_on(cli, asked, nasked))
		(void)poll(NULL, 0, LOOK_MS);
	free(asked);
}

void
polling_resume(struct cli *cli, struct overview_component *const *targets,
    size_t n, const char *why)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = targets[i]->name;
		bool is_loop, paused;

		if (!polling_is(targets[i]))
			continue;
		look(cli, name, &is_loop, &paused);
		ask_tell(
		    cli, "resume_requested", name, is_loop ? name : NULL, why);
	}
}
