/* timeline: what happened, and with -f what happens. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/options.h"
#include "cli/since.h"
#include "cli/timeline.h"

#define DEFAULT_SINCE	     "1h"
#define DEFAULT_SINCE_FOLLOW "10m"

static int
follow(struct timeline *t)
{
	struct pollfd pfd = { .fd = timeline_fd(t), .events = POLLIN };

	for (;;) {
		if (timeline_print_new(t, stdout) < 0)
			return cli_error(
			    CLI_FAILED, "cannot go on: %s", strerror(errno));
		if (poll(&pfd, 1, timeline_due_ms(t)) < 0 && errno != EINTR)
			return cli_error(
			    CLI_FAILED, "cannot wait: %s", strerror(errno));
	}
}

static enum timeline_format
format_of(const struct cli *cli, bool follows)
{
	if (cli->json)
		return follows ? TIMELINE_OBJECTS : TIMELINE_ARRAY;
	return cli->colour ? TIMELINE_COLOUR : TIMELINE_PLAIN;
}

/* What there is, then, when asked to, what comes. */
static int
show(struct cli *cli, const struct event_filter *filter, int64_t since_ms,
    bool follows)
{
	struct timeline *t;
	struct store s;
	int code, found;

	database_open(cli, &s, STORE_READ);
	code = event_filter_check(filter, &s);
	if (code != CLI_DONE)
		return database_done(cli, &s, code);
	t = timeline_open_since(
	    cli->state_directory, since_ms, filter, format_of(cli, follows));
	if (t == NULL)
		code = cli_error(
		    CLI_FAILED, "cannot follow events: %s", strerror(errno));
	else if ((found = timeline_print_history(t, &s, stdout)) < 0)
		code = database_error(&s);
	else if (found == 0 && !follows && !cli->json)
		printf("no such events; --since reaches further back\n");
	if (code == CLI_DONE && follows) {
		store_close(&s);
		code = follow(t);
	}
	timeline_close(t);
	return database_done(cli, &s, code);
}

int
timeline_run(struct cli *cli, int argc, char **argv)
{
	const char *since = NULL;
	struct option_list filters = { .n = 0 };
	bool follows = false;
	const struct option_spec specs[] = {
		{ .name = "since", .letter = 's', .value = &since },
		{ .name = "filter", .letter = 'F', .list = &filters },
		{ .name = "follow", .letter = 'f', .flag = &follows },
	};
	struct event_filter filter;

	(void)options_parse(cli, argc, argv, specs, 3, 0, 0);
	if (since == NULL)
		since = follows ? DEFAULT_SINCE_FOLLOW : DEFAULT_SINCE;
	event_filter_parse(&filter, &filters);
	return show(cli, &filter, since_parse(since), follows);
}
