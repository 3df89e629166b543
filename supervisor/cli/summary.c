#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/options.h"
#include "cli/paste.h"
#include "cli/print.h"
#include "cli/since.h"
#include "cli/summary.h"

#define LAST_READ "summary_read" /* in table meta: a time */
#define LEAST_MS  (8 * 60 * 60 * 1000)
#define NOTE_MS	  300 /* how long others' locks are waited for */

const char *
report_command(const struct report *r, char buf[static SUMMARY_COMMAND],
    const char *verb, const char *word)
{
	struct buf b;

	buf_init(&b, buf, SUMMARY_COMMAND);
	paste_begin(&b, r->cli);
	buf_add(&b, verb);
	if (word != NULL) {
		buf_add(&b, " ");
		buf_add_word(&b, word);
	}
	return buf;
}

/* ---- the window ---- */

/* When it was last read, but 8 hours ago at least. */
static int
read_since(struct report *r)
{
	char last[CLOCK_ISO_SIZE];
	int64_t last_ms;
	int found = store_meta(r->store, LAST_READ, last, sizeof(last));

	r->sum.since_ms = r->sum.until_ms - LEAST_MS;
	if (found == 1 && clock_parse_iso(last, &last_ms) == 0 &&
	    last_ms < r->sum.since_ms)
		r->sum.since_ms = last_ms;
	return found < 0 ? -1 : 0;
}

/* The next one begins here. That it can't be noted is no reason to fail: then
 * the next one tells some of it again. */
static void
note_read(const struct report *r)
{
	char now[CLOCK_ISO_SIZE];
	struct store s;

	clock_format_iso(now, r->sum.until_ms);
	if (store_open_within(
		&s, r->cli->state_directory, STORE_WRITE, NOTE_MS) < 0 ||
	    store_set_meta(&s, LAST_READ, now) < 0)
		(void)cli_error(CLI_DONE,
		    "it isn't noted that you read this: %s", store_error(&s));
	store_close(&s);
}

/* ---- the fleet as it is ---- */

static bool
is_stopped(const struct overview_component *c)
{
	return c->keeper_pid == 0 || !c->has_record || c->record.pid == 0;
}

/* What the fleet knows of a loop that stands in the database. */
static void
add_now(struct summary_loop *loop, void *argument)
{
	const struct report *r = argument;
	const struct overview_component *c = overview_find(&r->o, loop->id);
	const struct loop_config *config = c != NULL ? c->loop_config : NULL;

	if (c == NULL)
		return;
	loop->is_paused = c->wish == WANTED_PAUSED;
	loop->is_stopped = is_stopped(c) && !loop->is_paused;
	if (config != NULL && config->preset != NULL)
		(void)strlcpy(loop->provider, config->preset->provider,
		    sizeof(loop->provider));
}

/* Loops of the past that nothing happened to. */
static void
forget_gone(struct report *r)
{
	struct summary *sum = &r->sum;
	size_t n = 0;

	for (size_t i = 0; i < sum->n; i++) {
		const struct summary_loop *loop = &sum->loops[i];

		if (overview_find(&r->o, loop->id) != NULL ||
		    loop->passed + loop->failed + loop->blocked + loop->left >
			0 ||
		    loop->spent.known + loop->spent.unknown > 0)
			sum->loops[n++] = *loop;
	}
	sum->n = n;
}

static int
read_report(struct report *r, const char *since)
{
	r->sum.until_ms = clock_wall_ms();
	r->sum.is_degraded =
	    r->o.running && r->o.has_mode && r->o.mode != MODE_NORMAL;
	if (since != NULL)
		r->sum.since_ms = since_parse(since);
	else if (read_since(r) < 0)
		return -1;
	if (r->sum.since_ms >= r->sum.until_ms)
		cli_fail(CLI_USAGE, "--since %s: that is yet to come", since);
	r->commits = json_array();
	r->decided = json_array();
	r->broken = json_array();
	r->waiting = json_array();
	r->next = json_array();
	if (summary_read(&r->sum, r->store, add_now, r) < 0)
		return -1;
	forget_gone(r);
	if (report_read_past(r) < 0 || report_read_waiting(r) < 0)
		return -1;
	report_read_commits(r);
	report_conclude(r);
	return 0;
}

static void
free_report(struct report *r)
{
	json_decref(r->commits);
	json_decref(r->decided);
	json_decref(r->broken);
	json_decref(r->waiting);
	json_decref(r->next);
	summary_free(&r->sum);
	overview_free(&r->o);
}

int
summary_run(struct cli *cli, int argc, char **argv)
{
	const char *since = NULL;
	bool markdown = false;
	const struct option_spec specs[] = {
		{ .name = "since", .letter = 's', .value = &since },
		{ .name = "markdown", .letter = 'm', .flag = &markdown },
	};
	struct store s;
	struct report r = { .cli = cli, .store = &s };
	int code;

	(void)options_parse(cli, argc, argv, specs, 2, 0, 0);
	if (markdown && cli->json)
		cli_usage("summary");
	r.whole = markdown || cli->json;
	database_open(cli, &s, STORE_READ);
	if (overview_read(&r.o, cli) < 0)
		cli_fail(CLI_FAILED, "cannot read %s: %s", cli->state_directory,
		    strerror(errno));
	if (read_report(&r, since) < 0)
		code = database_error(&s);
	else
		code = cli->json ? report_print_json(&r)
		    : markdown	 ? report_print_markdown(&r)
				 : report_print(&r);
	/* What is for programs, or a window of one's own, was read by nobody.
	 */
	if (code == CLI_DONE && !r.whole && since == NULL)
		note_read(&r);
	free_report(&r);
	return database_done(cli, &s, code);
}
