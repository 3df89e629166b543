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
#define DEFAULT_MAX	     500 /* events; --since asks for all of them */

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
show(struct cli *cli, const struct timeline_request *request)
{
	struct timeline *t;
	struct store s;
	int code, found;

	database_open(cli, &s, STORE_READ);
	code = event_filter_check(request->filter, &s);
	if (code != CLI_DONE)
		return database_done(cli, &s, code);
	t = timeline_open_request(cli->state_directory, request);
	if (t == NULL)
		code = cli_error(
		    CLI_FAILED, "cannot follow events: %s", strerror(errno));
	else if ((found = timeline_print_history(t, &s, stdout)) < 0)
		code = database_error(&s);
	else if (found == 0 && !request->follows && !cli->json)
		printf("no such events%s\n",
		    request->since_wall_ms > 0
			? "; --since reaches further back"
			: "");
	if (code == CLI_DONE && request->follows) {
		store_close(&s);
		code = follow(t);
	}
	timeline_close(t);
	return database_done(cli, &s, code);
}

/* All there is of a test, which isn't much; else what is news. */
static int64_t
default_since(const struct event_filter *filter, bool follows)
{
	struct event_query query = { .key = QUERIES_EVENT_ALL };

	(void)event_filter_query(filter, &query);
	if (follows)
		return since_parse(DEFAULT_SINCE_FOLLOW);
	return query.key == QUERIES_EVENT_TEST ? 0 : since_parse(DEFAULT_SINCE);
}

int
timeline_run(struct cli *cli, int argc, char **argv)
{
	const char *since = NULL;
	struct option_list filters = { .n = 0 };
	struct event_filter filter;
	struct timeline_request request = { .filter = &filter, .max = -1 };
	const struct option_spec specs[] = {
		{ .name = "since", .letter = 's', .value = &since },
		{ .name = "filter", .letter = 'F', .list = &filters },
		{ .name = "follow", .letter = 'f', .flag = &request.follows },
	};

	(void)options_parse(cli, argc, argv, specs, 3, 0, 0);
	event_filter_parse(&filter, &filters);
	request.format = format_of(cli, request.follows);
	request.since_wall_ms = since != NULL
	    ? since_parse(since)
	    : default_since(&filter, request.follows);
	/* Programs get all of the hour, whatever their number. */
	if (since == NULL && !cli->json)
		request.max = DEFAULT_MAX;
	return show(cli, &request);
}
