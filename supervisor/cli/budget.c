/* budget: what was spent, what is left today, and more of it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/money.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/table.h"
#include "store/budget.h"

#define DAYS	  7
#define RAISE_MAX 1e6 /* USD; more is a slip */

enum { DAY, LOOP, OUTCOME, ATTEMPTS, TOKENS, USD, NCOLUMNS };

/* What one command works with. */
struct work {
	const struct cli *cli;
	struct store *store;
	struct conf *conf; /* NULL: it has faults */
	struct budget_limits limits;
};

static void
read_limits(struct work *w)
{
	w->conf = names_load_conf(w->cli);
	w->limits = (struct budget_limits){ BUDGET_NO_LIMIT, BUDGET_NO_LIMIT };
	if (w->conf == NULL)
		return;
	w->limits.loop_day_micros = w->conf->budget.loop_day_usd;
	w->limits.day_micros = w->conf->budget.day_usd;
}

/* ---- for people ---- */

static void
print_state(const char *who, const struct budget_state *state)
{
	char spent[MONEY_SIZE], limit[MONEY_SIZE] = "", left[MONEY_SIZE] = "";
	int64_t rest = state->limit - state->spent.micros;
	struct buf b;

	money_format(spent, &state->spent);
	printf("%s: %s", who, spent);
	if (state->limit < 0) {
		printf(" USD today, no limit\n");
		return;
	}
	buf_init(&b, limit, sizeof(limit));
	money_add(&b, state->limit);
	buf_init(&b, left, sizeof(left));
	money_add(&b, rest > 0 ? rest : 0);
	printf(" of %s USD today, %s%s left", limit,
	    state->spent.unknown > 0 && rest > 0 ? "at most " : "", left);
	if (state->raised > 0)
		printf(" (raised by %.2f)", (double)state->raised / 1e6);
	(void)putchar('\n');
}

/* Every loop's limit where there is one. */
static int
print_today(struct work *w)
{
	struct budget_state state;

	if (budget_state(w->store, &w->limits, NULL, &state) < 0)
		return -1;
	print_state("all loops", &state);
	if (w->conf == NULL)
		printf("the configuration has faults, so that limits aren't "
		       "known; 'loopkeeper check-config' shows them\n");
	for (size_t i = 0;
	     w->limits.loop_day_micros >= 0 && i < w->conf->nloops; i++) {
		const char *name = w->conf->loops[i].name;

		if (budget_state(w->store, &w->limits, name, &state) < 0)
			return -1;
		print_state(name, &state);
	}
	return 0;
}

struct listing {
	struct table table;
	char date[CLOCK_DAY_SIZE];
};

static int
add_row(const struct budget_row *row, void *argument)
{
	struct listing *l = argument;
	struct table *t = &l->table;
	char money[MONEY_SIZE];

	money_format(money, &row->sum);
	table_begin_row(t);
	table_set(t, DAY, "%s", l->date);
	table_set(t, LOOP, "%s", row->loop_id);
	table_set(
	    t, OUTCOME, "%s", row->outcome[0] != '\0' ? row->outcome : "-");
	table_set(t, ATTEMPTS, "%" PRId64, row->sum.known + row->sum.unknown);
	if (row->sum.tokens >= 0)
		table_set(t, TOKENS, "%lld", (long long)row->sum.tokens);
	else
		table_set(t, TOKENS, "unknown");
	table_set(t, USD, "%s", money);
	return 0;
}

static int
print_days(struct work *w)
{
	static const char *const titles[] = { "DAY", "LOOP", "OUTCOME",
		"ATTEMPTS", "TOKENS", "USD" };
	int64_t now_ms = clock_wall_ms();
	int result = 0, code = CLI_DONE;
	struct listing l;

	table_init(&l.table, titles, NCOLUMNS, w->cli->colour);
	for (int i = 0; i > -DAYS && result == 0; i--) {
		int64_t day_ms = clock_local_day(now_ms, i);

		clock_format_day(l.date, day_ms);
		result = budget_each(w->store, day_ms, add_row, &l);
	}
	if (result < 0)
		code = database_error(w->store);
	else if (l.table.nrows == 0)
		printf("\nnothing was spent in the last %d days\n", DAYS);
	else if (putchar('\n'), table_print(&l.table) < 0)
		code = cli_error(CLI_FAILED, "out of memory");
	table_free(&l.table);
	return code;
}

/* ---- for programs ---- */

static json_t *
usd_json(int64_t micros)
{
	return micros < 0 ? json_null() : json_real((double)micros / 1e6);
}

static json_t *
sum_json(const struct budget_sum *sum)
{
	return json_pack("{s:o,s:I,s:I,s:o}", "usd",
	    sum->known == 0 && sum->unknown > 0 ? json_null()
						: usd_json(sum->micros),
	    "known", (json_int_t)sum->known, "unknown",
	    (json_int_t)sum->unknown, "tokens",
	    sum->tokens < 0 ? json_null()
			    : json_integer((json_int_t)sum->tokens));
}

static json_t *
state_json(const char *loop_id, const struct budget_state *state)
{
	json_t *object = sum_json(&state->spent);
	int64_t left = state->limit - state->spent.micros;

	(void)json_object_set_new(object, "loop_id",
	    loop_id != NULL ? print_json_text(loop_id) : json_null());
	(void)json_object_set_new(object, "limit_usd", usd_json(state->limit));
	(void)json_object_set_new(
	    object, "raised_usd", usd_json(state->raised));
	(void)json_object_set_new(object, "left_usd",
	    state->limit < 0 ? json_null() : usd_json(left > 0 ? left : 0));
	return object;
}

struct list {
	json_t *rows;
	char date[CLOCK_DAY_SIZE];
};

static int
add_json(const struct budget_row *row, void *argument)
{
	struct list *l = argument;
	json_t *object = sum_json(&row->sum);

	(void)json_object_set_new(object, "day", json_string(l->date));
	(void)json_object_set_new(
	    object, "loop_id", print_json_set(row->loop_id));
	(void)json_object_set_new(
	    object, "outcome", print_json_set(row->outcome));
	return json_array_append_new(l->rows, object);
}

static int
add_days(struct work *w, json_t *rows)
{
	struct list l = { .rows = rows };
	int64_t now_ms = clock_wall_ms();
	int result = 0;

	for (int i = 0; i > -DAYS && result == 0; i--) {
		int64_t day_ms = clock_local_day(now_ms, i);

		clock_format_day(l.date, day_ms);
		result = budget_each(w->store, day_ms, add_json, &l);
	}
	return result;
}

static int
add_loops(struct work *w, json_t *loops)
{
	struct budget_state state;

	for (size_t i = 0; w->conf != NULL && i < w->conf->nloops; i++) {
		const char *name = w->conf->loops[i].name;

		if (budget_state(w->store, &w->limits, name, &state) < 0)
			return -1;
		(void)json_array_append_new(loops, state_json(name, &state));
	}
	return 0;
}

static int
print_all_json(struct work *w)
{
	json_t *loops = json_array(), *days = json_array();
	struct budget_state all;

	if (budget_state(w->store, &w->limits, NULL, &all) < 0 ||
	    add_loops(w, loops) < 0 || add_days(w, days) < 0) {
		json_decref(loops);
		json_decref(days);
		return database_error(w->store);
	}
	return print_json(
	    json_pack("{s:o,s:o,s:o}", "today", state_json(NULL, &all), "loops",
		loops, "days", days),
	    CLI_DONE);
}

static int
print_all(struct work *w)
{
	if (w->cli->json)
		return print_all_json(w);
	if (print_today(w) < 0)
		return database_error(w->store);
	return print_days(w);
}

/* ---- more of it ---- */

/* Ends the program when it is no amount of money. */
static int64_t
parse_raise(const char *text)
{
	char *end;
	double usd = strtod(text[0] == '$' ? text + 1 : text, &end);

	if (end == text || *end != '\0' || !isfinite(usd) || usd < 1e-6 ||
	    usd > RAISE_MAX)
		cli_fail(CLI_USAGE,
		    "--raise %s: an amount of USD is expected, such as 10 or "
		    "2.50",
		    text);
	return (int64_t)(usd * 1e6 + 0.5);
}

static int
raise_limit(struct work *w, int64_t micros, const char *word)
{
	const char *key =
	    word != NULL ? "budget.loop_day_usd" : "budget.day_usd";
	char loop[IDS_SIZE];
	const char *loop_id = word != NULL ? loop : NULL;
	struct budget_state state;
	int code;

	if (word != NULL &&
	    (code = ids_find(w->cli, w->store, IDS_LOOP, word, loop)) !=
		CLI_DONE)
		return code;
	if (w->conf == NULL)
		return cli_error(CLI_FAILED,
		    "the configuration has faults, so that no limit is known; "
		    "'loopkeeper check-config' shows them");
	if ((word != NULL ? w->limits.loop_day_micros : w->limits.day_micros) <
	    0)
		return cli_error(CLI_FAILED,
		    "there is no limit to raise: %s isn't set in %s", key,
		    w->cli->config_path);
	if (budget_raise(
		w->store, &w->limits, loop_id, micros, database_user()) < 0 ||
	    budget_state(w->store, &w->limits, loop_id, &state) < 0)
		return database_error(w->store);
	if (w->cli->json)
		return print_json(state_json(loop_id, &state), CLI_DONE);
	print_state(loop_id != NULL ? loop_id : "all loops", &state);
	return CLI_DONE;
}

int
budget_run(struct cli *cli, int argc, char **argv)
{
	const char *raise = NULL, *loop = NULL;
	const struct option_spec specs[] = {
		{ .name = "raise", .letter = 'r', .value = &raise },
		{ .name = "loop", .letter = 'l', .value = &loop },
	};
	struct work w = { .cli = cli };
	struct store s;
	int64_t micros = 0;
	int code;

	(void)options_parse(cli, argc, argv, specs, 2, 0, 0);
	if (raise == NULL && loop != NULL)
		cli_usage("budget");
	if (raise != NULL)
		micros = parse_raise(raise);
	database_open(cli, &s, raise != NULL ? STORE_WRITE : STORE_READ);
	w.store = &s;
	read_limits(&w);
	code = raise != NULL ? raise_limit(&w, micros, loop) : print_all(&w);
	conf_free(w.conf);
	if (raise == NULL)
		return database_done(cli, &s, code);
	store_close(&s);
	return code;
}
