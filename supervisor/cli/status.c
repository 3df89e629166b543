/* status: the fleet at a glance. One component: status_one.c. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/buf.h"
#include "base/duration.h"
#include "cli/alerts.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/decisions.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/overview.h"
#include "cli/status.h"
#include "cli/table.h"
#include "cli/words.h"

#define WIDE   120 /* columns from which a test's details stand beside it */
#define NARROW 60  /* and below which only the most important are shown */

enum { NAME, STATE, UPTIME, RESTARTS, TEST, QUEUE, PRIORITY, NCOLUMNS };

void
status_describe_attempt(char *buf, size_t size, const struct overview_loop *l)
{
	char age[DURATION_SIZE];
	struct buf b;

	buf_init(&b, buf, size);
	if (l->test[0] == '\0')
		return;
	buf_addf(&b, "attempt %lld", (long long)l->attempt);
	if (l->max_attempts > 0)
		buf_addf(&b, "/%lld", (long long)l->max_attempts);
	if (l->running_ms >= 0) {
		duration_format(age, l->running_ms);
		buf_addf(&b, ", for %s", age);
	}
	if (l->last_output_ms >= 0) {
		duration_format(age, l->last_output_ms);
		buf_addf(&b, ", last output %s ago", age);
	}
}

/* What the word alone doesn't tell, below the row. */
static void
fill_note(struct table_row *row, const struct overview *o,
    const struct overview_component *c, const struct words *w, bool wide)
{
	char attempt[128];

	status_describe_attempt(attempt, sizeof(attempt), &c->loop);
	if (attempt[0] != '\0' && wide) {
		struct buf b;

		buf_init(&b, row->cells[TEST], sizeof(row->cells[TEST]));
		buf_addf(&b, "%s (%s)", c->loop.test, attempt);
	} else if (attempt[0] != '\0') {
		(void)strlcpy(row->note, attempt, sizeof(row->note));
	}
	if (w->colour == PRINT_GREEN || strcmp(w->word, "idle") == 0 ||
	    w->detail[0] == '\0' || (!o->running && c->wanted == NULL))
		return;
	if (row->note[0] != '\0')
		(void)strlcat(row->note, "; ", sizeof(row->note));
	(void)strlcat(row->note, w->detail, sizeof(row->note));
}

static void
fill_row(struct table_row *row, const struct overview *o,
    const struct overview_component *c, bool wide)
{
	const struct component *m = &c->component;
	struct words w;

	words_of(&w, o, c);
	(void)strlcpy(row->cells[NAME], c->name, TABLE_CELL_SIZE);
	(void)strlcpy(row->cells[STATE], w.word, TABLE_CELL_SIZE);
	row->colours[STATE] = w.colour;
	if (c->keeper_pid != 0 && c->record.pid != 0 && m->started_ms != 0)
		duration_format(row->cells[UPTIME], o->now_ms - m->started_ms);
	if (c->has_record)
		(void)snprintf(row->cells[RESTARTS], TABLE_CELL_SIZE, "%llu",
		    (unsigned long long)m->restarts);
	(void)strlcpy(row->cells[TEST], c->loop.test, TABLE_CELL_SIZE);
	if (c->is_loop && c->loop.has_queue)
		(void)snprintf(row->cells[QUEUE], TABLE_CELL_SIZE, "%lld/%lld",
		    (long long)c->loop.passed, (long long)c->loop.left);
	if (c->is_loop && c->loop.priority != 0)
		(void)snprintf(row->cells[PRIORITY], TABLE_CELL_SIZE, "%lld",
		    (long long)c->loop.priority);
	fill_note(row, o, c, &w, wide);
}

static bool
is_shown(const struct overview *o, const struct overview_component *c, bool all)
{
	struct words w;

	if (all || !c->housekeeping)
		return true;
	words_of(&w, o, c);
	return w.unhealthy;
}

static int
print_table(const struct cli *cli, const struct overview *o, bool all)
{
	static const char *const titles[] = { "NAME", "STATE", "UPTIME",
		"RESTARTS", "TEST", "QUEUE", "PRIORITY" };
	int width = print_width();
	struct table t;

	table_init(&t, titles, NCOLUMNS, cli->colour);
	if (width < NARROW)
		t.hidden = 1u << UPTIME | 1u << RESTARTS | 1u << PRIORITY;
	for (size_t i = 0; i < o->n; i++) {
		struct table_row *row;

		if (!is_shown(o, &o->components[i], all))
			continue;
		row = table_add(&t);
		if (row == NULL) {
			table_free(&t);
			return cli_error(CLI_FAILED, "out of memory");
		}
		fill_row(row, o, &o->components[i], width >= WIDE);
	}
	table_print(&t);
	table_free(&t);
	return CLI_DONE;
}

static void
print_head(const struct cli *cli, const struct overview *o)
{
	if (!o->running)
		printf("not running\n");
	else if (!o->has_mode)
		printf("mode: not known yet\n");
	else if (o->mode_reason[0] != '\0')
		printf("%smode: %s (%s)%s\n",
		    print_begin(cli->colour, PRINT_YELLOW), mode_name(o->mode),
		    o->mode_reason, print_end(cli->colour, PRINT_YELLOW));
	else
		printf("mode: %s\n", mode_name(o->mode));
	if (o->database_error[0] != '\0')
		printf("%s\n", o->database_error);
	if (o->conf == NULL)
		printf("the configuration has faults; 'loopkeeper check-config"
		       "' shows them\n");
	if (o->running && o->run_directory[0] != '\0' && !o->tmpfs)
		printf("run directory: %s (on a disk, no tmpfs is usable)\n",
		    o->run_directory);
	(void)putchar('\n');
}

static int
print_fleet(
    struct cli *cli, const struct overview *o, struct store *s, bool all)
{
	int code;

	print_head(cli, o);
	code = print_table(cli, o, all);
	if (code != CLI_DONE || s->db == NULL)
		return code;
	if (alerts_print_brief(cli, s) < 0 || decisions_print_brief(cli, s) < 0)
		return database_error(s);
	return CLI_DONE;
}

static int
run(struct cli *cli, const struct overview *o, struct store *s,
    const char *name, bool all)
{
	const struct overview_component *c = NULL;
	int code;

	if (name[0] != '\0') {
		c = overview_find(o, name);
		if (c == NULL) /* gone since its name was looked up */
			return ids_unknown(cli, s, IDS_COMPONENT, name);
	}
	if (cli->json)
		code = status_print_json(cli, o, s, c);
	else if (c != NULL)
		code = status_print_one(cli, o, s, c);
	else
		code = print_fleet(cli, o, s, all);
	if (code != CLI_DONE)
		return code;
	if (!o->running)
		return cli_error(CLI_NOT_RUNNING,
		    "the supervisor isn't running; 'loopkeeper up -d' starts "
		    "it");
	return CLI_DONE;
}

int
status_run(struct cli *cli, int argc, char **argv)
{
	bool all = false;
	const struct option_spec specs[] = {
		{ .name = "all", .letter = 'a', .flag = &all },
	};
	char name[TEXT_NAME_MAX + 1] = "";
	struct overview o;
	struct store s;
	int code, left;

	left = options_parse(cli, argc, argv, specs, 1, &code);
	if (left < 0)
		return code;
	if (left > 1)
		return cli_usage("status");
	code = left == 1 ? cli_component(cli, argv[1], name) : cli_locate(cli);
	if (code != CLI_DONE)
		return code;
	code = database_overview(cli, &o, &s);
	if (code != CLI_DONE)
		return code;
	code = run(cli, &o, &s, name, all);
	store_close(&s);
	overview_free(&o);
	return code;
}
