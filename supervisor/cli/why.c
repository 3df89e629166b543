/*
 * why: the black box of the last death. What died, of what, what was decided
 * and why, what it said last, what was there beside it, what it was at, and
 * what was repaired.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/duration.h"
#include "cli/black_box.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/log_print.h"
#include "cli/options.h"
#include "cli/overview.h"
#include "cli/print.h"
#include "cli/timeline.h"
#include "cli/words.h"

/* A line of the head: what it is about, and what there is to say. */
static void
say(const char *what, const char *text)
{
	if (text[0] != '\0')
		printf("  %-10s %s\n", what, text);
}

static void
describe_now(char *buf, size_t size, const struct overview *o, const char *name)
{
	const struct overview_component *c = overview_find(o, name);
	struct words w;
	struct buf b;

	buf_init(&b, buf, size);
	if (c == NULL)
		return;
	words_of(&w, o, c);
	buf_add(&b, w.word);
	if (w.detail[0] != '\0')
		buf_addf(&b, " (%s)", w.detail);
	if (c->record.pid != 0 && c->keeper_pid != 0)
		buf_addf(&b, ", pid %d", c->record.pid);
}

/* Why it was decided so, in words. */
static void
describe_reason(char *buf, size_t size, const struct black_box *box)
{
	int64_t deaths = black_box_int(box, "deaths_in_window");
	int64_t max = black_box_int(box, "max_restarts");
	int64_t level = black_box_int(box, "level");
	char window[DURATION_SIZE];
	struct buf b;

	buf_init(&b, buf, size);
	duration_format_exact(window, black_box_int(box, "window_ms"));
	if (strcmp(black_box_text(box, "cause"), "operator") == 0)
		buf_add(&b, "an operator, a reload or a schedule asked for it");
	else if (max == 0)
		buf_addf(&b, "death %lld within %s, with no limit",
		    (long long)deaths, window);
	else
		buf_addf(&b, "death %lld within %s, where max_restarts is %lld",
		    (long long)deaths, window, (long long)max);
	if (strcmp(black_box_text(box, "circuit"), "open") == 0)
		buf_add(&b, ": the circuit is open");
	if (level > 1)
		buf_addf(&b,
		    "; not in good health for long enough since the last one "
		    "(level %lld)",
		    (long long)level);
}

static void
print_death(const struct cli *cli, const struct black_box *box)
{
	char at[PRINT_TIME_SIZE], age[DURATION_SIZE] = "", text[256];
	int64_t age_ms = print_age_ms(box->died_at);
	const char *stage = black_box_text(box, "stage");
	struct buf b;

	print_time(at, box->died_at);
	if (age_ms >= 0)
		duration_format(age, age_ms);
	buf_init(&b, text, sizeof(text));
	buf_add(&b, black_box_text(box, "text"));
	if (stage[0] != '\0')
		buf_addf(&b, " (at the step %s)", stage);
	printf("%s died at %s (%s ago): %s%s%s\n", box->name, at, age,
	    print_begin(cli->colour, PRINT_RED), text,
	    print_end(cli->colour, PRINT_RED));
}

static void
print_process(const struct black_box *box)
{
	int64_t ran_ms =
	    black_box_int(box, "died_ms") - black_box_int(box, "started_ms");
	char text[128], age[DURATION_SIZE];
	struct buf b;

	if (black_box_int(box, "pid") == 0)
		return;
	duration_format(age, ran_ms > 0 ? ran_ms : 0);
	buf_init(&b, text, sizeof(text));
	buf_addf(&b, "pid %s, ran for %s", black_box_text(box, "pid"), age);
	if (strcmp(black_box_text(box, "command"), "fallback") == 0)
		buf_add(&b, ", it was the fallback");
	say("process", text);
}

static void
print_output(const struct cli *cli, const struct black_box *box)
{
	const struct log_style style = {
		.colour = cli->colour, .stamps = true, .clean = true
	};
	const struct log_kept *kept;

	printf("\nlast output (| stdout, ! stderr):\n");
	TAILQ_FOREACH (kept, &box->output, entry) {
		(void)fputs("  ", stdout);
		log_print(stdout, &style, box->name, 0, &kept->line);
	}
	if (TAILQ_EMPTY(&box->output))
		printf("  none\n");
}

static void
print_proc(const struct black_box *box)
{
	char line[256];

	if (box->proc[0] == '\0')
		return;
	printf("\nprocesses of its tree:\n");
	for (const char *p = box->proc; *p != '\0';) {
		size_t n = strcspn(p, "\n");

		(void)snprintf(line, sizeof(line), "%.*s", (int)n, p);
		text_clean(line);
		printf("  %s\n", line);
		p += n + (p[n] == '\n');
	}
}

static void
print_repairs(const struct black_box *box)
{
	size_t i;
	const json_t *row;

	json_array_foreach(box->repairs, i, row)
	{
		const struct event_view event = timeline_view(row);
		char text[256];

		event_line_text(text, sizeof(text), &event);
		say(i == 0 ? "repaired" : "", text);
	}
}

static void
print_text(const struct cli *cli, const struct overview *o,
    const struct black_box *box)
{
	char text[512];

	print_death(cli, box);
	print_process(box);
	say("said", black_box_text(box, "status"));
	say("decision", black_box_text(box, "decision"));
	describe_reason(text, sizeof(text), box);
	say("because", text);
	describe_now(text, sizeof(text), o, box->name);
	say("now", text);
	say("test", box->test);
	print_repairs(box);
	if (o->database_error[0] != '\0')
		say("database", o->database_error);
	print_output(cli, box);
	print_proc(box);
}

static json_t *
output_json(const struct black_box *box)
{
	json_t *lines = json_array();
	const struct log_kept *kept;

	TAILQ_FOREACH (kept, &box->output, entry) {
		const struct line *line = &kept->line;

		(void)json_array_append_new(lines,
		    json_pack("{s:s%, s:s, s:b, s:o}", "timestamp", line->stamp,
			sizeof(line->stamp), "stream",
			line->stream == LINE_STDOUT ? "stdout" : "stderr",
			"partial", (int)line->partial, "text",
			print_json_text(line->text)));
	}
	return lines;
}

static json_t *
proc_json(const struct black_box *box)
{
	json_t *lines = json_array();

	for (const char *p = box->proc; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		json_t *line = json_stringn(p, n);

		if (line != NULL)
			(void)json_array_append_new(lines, line);
		p += n + (p[n] == '\n');
	}
	return lines;
}

/* The keeper's record, its numbers as numbers. */
static void
add_record(json_t *object, const struct black_box *box)
{
	static const char *const texts[] = { "cause", "text", "stage",
		"command", "started_at", "died_at", "state", "decision",
		"circuit", "status" };
	static const char *const numbers[] = { "code", "errno", "pid",
		"started_ms", "died_ms", "restarts", "level",
		"deaths_in_window", "max_restarts", "window_ms", "next_ms" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		(void)json_object_set_new(object, texts[i],
		    print_json_set(black_box_text(box, texts[i])));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)json_object_set_new(object, numbers[i],
		    json_integer((json_int_t)black_box_int(box, numbers[i])));
}

static json_t *
box_json(const struct black_box *box)
{
	char reason[512];
	json_t *object =
	    json_pack("{s:s, s:b}", "component", box->name, "died", 1);

	if (object == NULL)
		return NULL;
	describe_reason(reason, sizeof(reason), box);
	add_record(object, box);
	(void)json_object_set_new(object, "reason", json_string(reason));
	(void)json_object_set_new(object, "test", print_json_set(box->test));
	(void)json_object_set(object, "repairs", box->repairs);
	(void)json_object_set_new(object, "output", output_json(box));
	(void)json_object_set_new(object, "processes", proc_json(box));
	return object;
}

static int
print_unharmed(
    struct cli *cli, const struct overview *o, const struct black_box *box)
{
	char now[512];

	if (cli->json)
		return print_json(
		    json_pack("{s:s, s:b}", "component", box->name, "died", 0),
		    CLI_DONE);
	describe_now(now, sizeof(now), o, box->name);
	printf("%s has never died; it is %s\n", box->name,
	    now[0] != '\0' ? now : "not running");
	return CLI_DONE;
}

static int
show(struct cli *cli, struct black_box *box)
{
	struct overview o;
	struct store s;
	int code = CLI_DONE;

	database_overview(cli, &o, &s);
	if (s.db != NULL && black_box_add_store(box, &s) < 0 &&
	    o.database_error[0] == '\0')
		(void)snprintf(o.database_error, sizeof(o.database_error), "%s",
		    store_error(&s));
	if (!box->died)
		code = print_unharmed(cli, &o, box);
	else if (cli->json)
		code = print_json(box_json(box), CLI_DONE);
	else
		print_text(cli, &o, box);
	store_close(&s);
	overview_free(&o);
	return code;
}

int
why_run(struct cli *cli, int argc, char **argv)
{
	char name[TEXT_NAME_MAX + 1], owner[OWNER_SIZE];
	struct black_box box;
	int code;

	(void)options_parse(cli, argc, argv, NULL, 0, 1, 1);
	ids_component(cli, argv[1], name);
	if (black_box_read(&box, cli->state_directory, name) == 0)
		code = show(cli, &box);
	else if (errno == EACCES && owner_is_other(cli, owner))
		code = cli_error(
		    CLI_FAILED, "only %s may read why %s died", owner, name);
	else if (errno == ENOENT)
		code = cli_error(CLI_NOT_RUNNING,
		    "nothing is known of %s: the fleet was not up since the "
		    "machine was started",
		    name);
	else
		code = cli_error(CLI_FAILED, "cannot read %s/run/c/%s: %s",
		    cli->state_directory, name, strerror(errno));
	black_box_free(&box);
	return code;
}
