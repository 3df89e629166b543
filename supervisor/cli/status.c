/* status: the fleet at a glance. One component: status_one.c. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/duration.h"
#include "cli/alerts.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/decisions.h"
#include "cli/gates.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/overview.h"
#include "cli/standing.h"
#include "cli/status.h"
#include "cli/stuck.h"
#include "cli/table.h"
#include "cli/words.h"

#define WIDE   120 /* columns from which a test's details stand beside it */
#define NARROW 60  /* and below which only the most important are shown */

#define BRANCHES \
	100 /* from which the branches of loops are shown, cut or not */

enum { NAME, STATE, UPTIME, RESTARTS, TEST, QUEUE, PRIORITY, BRANCH, NCOLUMNS };

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

/* What the word alone doesn't tell, below the row or beside the test. */
static void
add_note(struct table *t, const struct overview *o,
    const struct overview_component *c, const struct words *w, bool wide)
{
	char attempt[128], note[512];
	struct buf b;

	buf_init(&b, note, sizeof(note));
	status_describe_attempt(attempt, sizeof(attempt), &c->loop);
	if (attempt[0] != '\0' && wide)
		table_set(t, TEST, "%s (%s)", c->loop.test, attempt);
	else
		buf_add(&b, attempt);
	if (w->colour != PRINT_GREEN && strcmp(w->word, "idle") != 0 &&
	    (o->running || c->wish != WANTED_RUN))
		buf_addf(&b, "%s%s", b.len > 0 ? "; " : "", w->detail);
	table_note(t, note);
}

static void
add_row(struct table *t, const struct overview *o,
    const struct overview_component *c, bool wide)
{
	const struct component *m = &c->component;
	char age[DURATION_SIZE];
	struct words w;

	words_of(&w, o, c);
	table_begin_row(t);
	table_set(t, NAME, "%s", c->name);
	table_set(t, STATE, "%s", w.word);
	table_colour(t, STATE, w.colour);
	if (c->keeper_pid != 0 && c->record.pid != 0 && m->started_ms != 0) {
		duration_format(age, o->now_ms - m->started_ms);
		table_set(t, UPTIME, "%s", age);
	}
	if (c->has_record)
		table_set(t, RESTARTS, "%llu", (unsigned long long)m->restarts);
	table_set(t, TEST, "%s", c->loop.test);
	if (c->is_loop && c->loop.has_queue)
		table_set(t, QUEUE, "%lld/%lld", (long long)c->loop.passed,
		    (long long)c->loop.left);
	if (c->is_loop && c->loop.priority != 0)
		table_set(t, PRIORITY, "%lld", (long long)c->loop.priority);
	if (c->is_loop)
		table_set(t, BRANCH, "%s", c->loop.branch);
	add_note(t, o, c, &w, wide);
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
		"RESTARTS", "TEST", "QUEUE", "PRIORITY", "BRANCH" };
	int width = print_width(), code;
	struct table t;

	table_init(&t, titles, NCOLUMNS, cli->colour);
	if (width < NARROW)
		t.hidden = 1u << UPTIME | 1u << RESTARTS | 1u << PRIORITY;
	for (size_t i = 0; i < o->n; i++)
		if (is_shown(o, &o->components[i], all))
			add_row(&t, o, &o->components[i], width >= WIDE);
	if (width < BRANCHES && table_width(&t) > width)
		t.hidden |= 1u << BRANCH;
	code = table_print(&t) < 0 ? cli_error(CLI_FAILED, "out of memory")
				   : CLI_DONE;
	table_free(&t);
	return code;
}

static void
print_head(const struct cli *cli, const struct overview *o, struct store *s)
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
	if (s->db != NULL)
		gates_print_brief(cli, s);
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

	print_head(cli, o, s);
	code = print_table(cli, o, all);
	if (code != CLI_DONE || s->db == NULL)
		return code;
	if (standing_print(s, NULL) < 0 || alerts_print_brief(cli, s) < 0 ||
	    decisions_print_brief(cli, s) < 0)
		return database_error(s);
	return CLI_DONE;
}

static int
run(struct cli *cli, const struct overview *o, struct store *s,
    const char *name, bool all)
{
	const struct overview_component *c = NULL;
	int code;

	if (name[0] != '\0' && (c = overview_find(o, name)) == NULL)
		return cli_error(CLI_FAILED, "%s is no more", name);
	if (cli->json)
		code = status_print_json(cli, o, s, c);
	else if (c != NULL)
		code = status_print_one(cli, o, s, c);
	else
		code = print_fleet(cli, o, s, all);
	return code;
}

int
status_run(struct cli *cli, int argc, char **argv)
{
	bool all = false, stuck = false;
	const struct option_spec specs[] = {
		{ .name = "all", .letter = 'a', .flag = &all },
		{ .name = "stuck", .letter = 's', .flag = &stuck },
	};
	char name[TEXT_NAME_MAX + 1] = "";
	struct overview o;
	struct store s;
	int code;

	if (options_parse(cli, argc, argv, specs, 2, 0, 1) == 1)
		ids_component(cli, argv[1], name);
	if (stuck && (all || name[0] != '\0'))
		cli_usage("status");
	database_overview(cli, &o, &s);
	code = stuck ? stuck_print(cli, &o, &s) : run(cli, &o, &s, name, all);
	if (code == CLI_DONE && !o.running)
		code = cli_not_running();
	store_close(&s);
	overview_free(&o);
	return code;
}
