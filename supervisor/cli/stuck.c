#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "cli/database.h"
#include "cli/paste.h"
#include "cli/print.h"
#include "cli/stuck.h"
#include "cli/words.h"
#include "store/gates.h"
#include "store/queries_fleet.h"
#include "store/queries_standing.h"
#include "store/summary_acts.h"

#define STUCK_AFTER_MS (30 * 60 * 1000) /* where no configuration says */
#define BLOCKED_SHOWN  20
#define COMMAND_SIZE   (PATH_SIZE + 512)

struct work {
	const struct cli *cli;
	const struct overview *o;
	json_t *list;
	int64_t nblocked; /* in the list */
};

/* "VERB WORD" as a command; words may be "". Returns buf. */
static const char *
format(const struct work *w, char buf[static COMMAND_SIZE], const char *verb,
    const char *word, const char *second)
{
	const char *const words[] = { word, second };
	struct buf b;

	buf_init(&b, buf, COMMAND_SIZE);
	paste_begin(&b, w->cli);
	buf_add(&b, verb);
	for (size_t i = 0; i < 2; i++)
		if (words[i][0] != '\0') {
			buf_add(&b, " ");
			buf_add_word(&b, words[i]);
		}
	return buf;
}

/* name: the loop, test or component that doesn't get on. */
static void
add(struct work *w, const char *kind, const char *name, json_t *item)
{
	paste_set(item, "kind", kind);
	paste_set(item, "name", name);
	(void)json_array_append_new(w->list, item);
}

/* ---- the fleet, its components and loops ---- */

static void
add_fleet(struct work *w)
{
	char command[COMMAND_SIZE];

	add(w, "fleet", "",
	    paste_item(format(w, command, "up -d", "", ""),
		"the supervisor isn't running"));
}

static bool
is_too_long(const struct work *w, int64_t ms)
{
	int64_t limit_ms = w->o->conf != NULL
	    ? w->o->conf->monitor.stuck_after_ms
	    : STUCK_AFTER_MS;

	return limit_ms > 0 && ms >= limit_ms;
}

static bool
is_listed(const struct work *w, const char *key, const char *value)
{
	json_t *item;
	size_t i;

	json_array_foreach(w->list, i, item)
	{
		if (strcmp(print_json_get(item, key), value) == 0)
			return true;
	}
	return false;
}

/* Its own sight, for there may be no monitor. */
static void
add_silent(struct work *w, const struct overview_component *c)
{
	const struct overview_loop *l = &c->loop;
	int64_t silent_ms =
	    l->last_output_ms >= 0 ? l->last_output_ms : l->running_ms;
	char command[COMMAND_SIZE], age[DURATION_SIZE];

	if (l->test[0] == '\0' || !is_too_long(w, silent_ms) ||
	    is_listed(w, "name", l->test))
		return;
	duration_format(age, silent_ms);
	add(w, "loop", c->name,
	    paste_item(format(w, command, "transcript", l->test, ""),
		"%s: %s without output for %s", c->name, l->test, age));
}

static void
add_component(struct work *w, const struct overview_component *c)
{
	const struct overview_loop *l = &c->loop;
	char command[COMMAND_SIZE];
	struct words words;

	words_of(&words, w->o, c);
	if (words.unhealthy) {
		add(w, "component", c->name,
		    paste_item(format(w, command, "why", c->name, ""),
			"%s: %s (%s)", c->name, words.word, words.detail));
		return;
	}
	if (!c->is_loop)
		return;
	if (c->wish != WANTED_RUN && l->left > 0)
		add(w, "loop", c->name,
		    paste_item(
			format(w, command,
			    c->wish == WANTED_STOPPED ? "start" : "resume",
			    c->name, ""),
			"%s: %s, with %lld tests left", c->name, words.word,
			(long long)l->left));
	else if (l->test[0] == '\0' && l->left > 0 && l->ready == 0)
		add(w, "loop", c->name,
		    paste_item(format(w, command, "order --loop", c->name, ""),
			"%s: none of its %lld tests can be begun", c->name,
			(long long)l->left));
	add_silent(w, c);
}

static bool
is_of_monitor(const struct alert_row *row)
{
	return strcmp(row->alert_type, "loop_stuck") == 0 ||
	    strcmp(row->alert_type, "test_failing") == 0;
}

/* What keeps a loop from its queue: a disk that is full, a setup that fails. A
 * component that has failed is listed as that. */
static bool
is_of_loop(const struct alert_row *row, const char *loop)
{
	return strcmp(row->severity, "error") == 0 && loop[0] != '\0' &&
	    strcmp(row->source, loop) == 0;
}

/* In the words of whoever has found it. */
static int
add_alert(const struct alert_row *row, void *argument)
{
	struct work *w = argument;
	json_t *context = json_loads(row->context, 0, NULL);
	const char *test = print_json_get(context, "test_id");
	const char *loop = print_json_get(context, "loop_id");
	char command[COMMAND_SIZE];

	if (is_of_monitor(row))
		add(w, "alert", test[0] != '\0' ? test : loop,
		    paste_item(
			format(w, command, test[0] != '\0' ? "skip" : "alerts",
			    test, ""),
			"%s", row->message));
	else if (is_of_loop(row, loop))
		add(w, "alert", loop,
		    paste_item(format(w, command, "status", loop, ""), "%s: %s",
			loop, row->message));
	json_decref(context);
	return 0;
}

static int
add_gate(const struct gate *gate, void *argument)
{
	struct work *w = argument;
	char command[COMMAND_SIZE], text[GATE_TEXT_SIZE];

	gates_describe(text, gate);
	add(w, "gate", gate->provider,
	    paste_item(format(w, command, "gates --open", gate->provider, ""),
		"%s", text));
	return 0;
}

/* ---- between loops ---- */

static int
add_waiter(const struct waiter_row *row, void *argument)
{
	struct work *w = argument;
	int64_t age_ms = print_age_ms(row->waiting_since);
	char command[COMMAND_SIZE], age[DURATION_SIZE] = "?";

	if (age_ms >= 0)
		duration_format(age, age_ms);
	add(w, "lock", row->waiter,
	    paste_item(format(w, command, "force-unlock", row->holder, ""),
		"%s waits for %s of %s, for %s", row->waiter, row->resource,
		row->holder, age));
	return 0;
}

static int
add_conflict(const struct conflict_row *row, void *argument)
{
	struct work *w = argument;
	char command[COMMAND_SIZE];

	add(w, "conflict", row->id,
	    paste_item(format(w, command, "conflicts", "", ""),
		"%s: %s and %s have changed %s", row->id, row->first_loop,
		row->second_loop, row->files));
	return 0;
}

static int
add_parked(const struct parked_row *row, void *argument)
{
	struct work *w = argument;
	bool asks = row->choice[0] != '\0';
	char command[COMMAND_SIZE];
	json_t *item = paste_item(asks
		? format(w, command, "decide", row->parked, row->choice)
		: format(w, command, "reset", row->test_id, ""),
	    "%s of %s waits for %s%s%s", row->test_id, row->loop_id,
	    row->parked, row->summary[0] != '\0' ? ": " : "", row->summary);

	paste_set(item, "waits_for", row->parked);
	add(w, "parked", row->test_id, item);
	return 0;
}

static int
add_blocked(const struct blocked_row *row, void *argument)
{
	struct work *w = argument;
	char command[COMMAND_SIZE];

	w->nblocked++;
	add(w, "blocked", row->id,
	    paste_item(format(w, command, "reset", row->id, ""),
		"%s of %s is blocked: %s", row->id, row->loop_id,
		row->reason[0] != '\0' ? row->reason : "no reason given"));
	return 0;
}

/* Questions for which no test is parked. */
static int
add_decision(const struct decision_row *row, void *argument)
{
	struct work *w = argument;
	json_t *options;
	const char *choice;
	char command[COMMAND_SIZE];

	if (is_listed(w, "waits_for", row->id))
		return 0;
	options = json_loads(row->options, 0, NULL);
	choice = print_json_get(json_array_get(options, 0), "id");
	add(w, "decision", row->id,
	    paste_item(choice[0] != '\0'
		    ? format(w, command, "decide", row->id, choice)
		    : format(w, command, "decisions", "", ""),
		"%s: %s", row->id, row->summary));
	json_decref(options);
	return 0;
}

static int
read_store(struct work *w, struct store *s)
{
	if (gates_each(s, add_gate, w) != 0 ||
	    queries_each_waiter(s, add_waiter, w) != 0 ||
	    queries_each_open_conflict(s, add_conflict, w) != 0 ||
	    queries_each_parked(s, add_parked, w) != 0 ||
	    queries_each_decision(s, false, add_decision, w) != 0 ||
	    summary_each_blocked(
		s, w->cli->json ? -1 : BLOCKED_SHOWN + 1, add_blocked, w) != 0)
		return -1;
	return 0;
}

static void
print_list(const struct work *w)
{
	size_t n = json_array_size(w->list);
	char command[COMMAND_SIZE];

	if (n == 0)
		printf("nothing is stuck\n");
	/* The blocked ones come last. */
	if (w->nblocked > BLOCKED_SHOWN)
		n--;
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(w->list, i);

		printf("%s\n    %s\n", print_json_get(item, "text"),
		    print_json_get(item, "command"));
	}
	if (w->nblocked > BLOCKED_SHOWN)
		printf("and more that are blocked\n    %s\n",
		    format(w, command, "tests --status blocked", "", ""));
}

int
stuck_print(struct cli *cli, const struct overview *o, struct store *s)
{
	struct work w = { .cli = cli, .o = o, .list = json_array() };
	int code = CLI_DONE;

	bool open = s->db != NULL, failed;

	if (!o->running)
		add_fleet(&w);
	failed = open && queries_each_alert(s, false, add_alert, &w) != 0;
	for (size_t i = 0; o->running && i < o->n; i++)
		add_component(&w, &o->components[i]);
	if (failed || (open && read_store(&w, s) < 0)) {
		json_decref(w.list);
		return database_error(s);
	}
	if (o->database_error[0] != '\0')
		code = cli_error(CLI_FAILED, "%s", o->database_error);
	if (cli->json)
		return print_json(w.list, code);
	print_list(&w);
	json_decref(w.list);
	return code;
}
