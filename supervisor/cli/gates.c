/* gates: the providers that a limit or a missing login keeps loops from. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/gates.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/table.h"
#include "store/gates.h"

enum { PROVIDER, STATE, UNTIL, REASON, NCOLUMNS };

static enum print_colour
colour_of(const struct gate *gate)
{
	return gate->reason == GATE_AUTH ? PRINT_RED : PRINT_YELLOW;
}

static int
print_brief(const struct gate *gate, void *argument)
{
	const struct cli *cli = argument;
	char text[GATE_TEXT_SIZE];

	gates_describe(text, gate);
	printf("%s", print_begin(cli->colour, colour_of(gate)));
	print_clean(text);
	printf("%s\n", print_end(cli->colour, colour_of(gate)));
	return 0;
}

void
gates_print_brief(const struct cli *cli, struct store *s)
{
	struct cli copy = *cli;

	(void)gates_each(s, print_brief, &copy);
}

static int
add_json(const struct gate *gate, void *argument)
{
	char text[GATE_TEXT_SIZE], until[CLOCK_ISO_SIZE];

	gates_describe(text, gate);
	clock_format_iso(until, gate->until_ms);
	return json_array_append_new(argument,
	    json_pack("{s:o,s:s,s:o,s:s,s:s,s:b,s:o,s:i,s:o,s:o}", "provider",
		print_json_text(gate->provider), "state",
		gates_reason_words(gate->reason), "text", print_json_text(text),
		"closed_at", gate->closed_at, "until", until, "due", gate->due,
		"tried_by", print_json_set(gate->probe_by), "failures",
		gate->failures, "message", print_json_set(gate->message),
		"login", print_json_set(gate->login)));
}

json_t *
gates_json(struct store *s)
{
	json_t *list = json_array();

	if (gates_each(s, add_json, list) == 0)
		return list;
	json_decref(list);
	return NULL;
}

static int
add_row(const struct gate *gate, void *argument)
{
	struct table *t = argument;
	char until[CLOCK_LOCAL_SIZE], text[GATE_TEXT_SIZE];

	table_begin_row(t);
	table_set(t, PROVIDER, "%s", gate->provider);
	table_set(t, STATE, "%s", gates_reason_words(gate->reason));
	table_colour(t, STATE, colour_of(gate));
	clock_format_local(until, gate->until_ms);
	if (gate->probe_by[0] != '\0')
		table_set(t, UNTIL, "%s tries it", gate->probe_by);
	else
		table_set(t, UNTIL, "%s", gate->due ? "now" : until);
	table_set(t, REASON, "%s", gate->message);
	gates_describe(text, gate);
	if (gate->reason == GATE_AUTH && gate->probe_by[0] == '\0')
		table_note(t, text);
	return 0;
}

static int
print_all(const struct cli *cli, struct store *s)
{
	static const char *const titles[] = { "PROVIDER", "STATE", "UNTIL",
		"REASON" };
	struct table t;
	int code = CLI_DONE;

	if (cli->json) {
		json_t *list = gates_json(s);

		return list == NULL ? database_error(s)
				    : print_json(list, CLI_DONE);
	}
	table_init(&t, titles, NCOLUMNS, cli->colour);
	if (gates_each(s, add_row, &t) != 0)
		code = database_error(s);
	else if (t.nrows == 0)
		printf("no gate is closed: loops may use every provider\n");
	else if (table_print(&t) < 0)
		code = cli_error(CLI_FAILED, "out of memory");
	table_free(&t);
	return code;
}

static int
add_name(const struct gate *gate, void *argument)
{
	return names_add(argument, gate->provider);
}

/* What is closed, for an error: "claude, codex"; "" for nothing. */
static void
list_closed(struct store *s, char *buf, size_t size)
{
	struct names names = { 0 };

	buf[0] = '\0';
	if (gates_each(s, add_name, &names) == 0 && names.n > 0)
		names_list(&names, "", buf, size);
	names_free(&names);
}

static int
open_gate(struct store *s, const char *provider)
{
	int opened = gates_open(s, provider, database_user());
	char closed[256];

	if (opened < 0)
		return database_error(s);
	if (opened > 0) {
		printf("the gate of %s is open\n", provider);
		return CLI_DONE;
	}
	list_closed(s, closed, sizeof(closed));
	if (closed[0] != '\0')
		return cli_error(CLI_FAILED,
		    "the gate of %s isn't closed; closed is that of: %s",
		    provider, closed);
	return cli_error(CLI_FAILED,
	    "the gate of %s isn't closed, nor that of any other provider",
	    provider);
}

int
gates_run(struct cli *cli, int argc, char **argv)
{
	const char *provider = NULL;
	const struct option_spec specs[] = {
		{ .name = "open", .letter = 'o', .value = &provider },
	};
	struct store s;
	int code;

	(void)options_parse(cli, argc, argv, specs, 1, 0, 0);
	database_open(cli, &s, provider != NULL ? STORE_WRITE : STORE_READ);
	if (provider == NULL)
		return database_done(cli, &s, print_all(cli, &s));
	code = open_gate(&s, provider);
	store_close(&s);
	return code;
}
