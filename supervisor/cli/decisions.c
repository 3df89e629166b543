/* decisions and decide. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/decisions.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/print.h"
#include "store/decisions.h"
#include "store/queries_fleet.h"

struct printing {
	bool brief;
	int n;
};

static void
print_described(const char *before, const json_t *option, const char *after)
{
	printf("%s", before);
	print_clean(print_json_get(option, "description"));
	printf("%s", after);
}

static void
print_options(const struct decision_row *row)
{
	json_t *options = json_loads(row->options, 0, NULL), *option;
	size_t i;

	json_array_foreach(options, i, option)
	{
		const char *id = print_json_get(option, "id");

		if (id[0] == '\0')
			continue;
		printf("    %s", id);
		print_described("  ", option,
		    strcmp(id, row->default_option) == 0 ? " (the default)\n"
							 : "\n");
	}
	json_decref(options);
}

static void
print_waiting(const struct decision_row *row)
{
	char age[DURATION_SIZE] = "?", left[DURATION_SIZE];
	int64_t age_ms = print_age_ms(row->requested_at);
	int64_t left_ms = row->timeout_minutes * 60 * 1000 - age_ms;

	if (age_ms >= 0)
		duration_format(age, age_ms);
	duration_format(left, left_ms > 0 ? left_ms : 0);
	printf("  %s  asked %s ago by %s", row->id, age,
	    row->requested_by[0] != '\0' ? row->requested_by : "somebody");
	if (row->default_option[0] != '\0' && age_ms >= 0)
		printf(", takes %s in %s", row->default_option, left);
	(void)putchar('\n');
}

static void
print_answered(const struct decision_row *row)
{
	char when[PRINT_TIME_SIZE];

	print_time(when, row->decided_at);
	printf("  %s  %s: %s by %s at %s%s%s\n", row->id, row->status,
	    row->choice[0] != '\0' ? row->choice : "no choice",
	    row->decided_by[0] != '\0' ? row->decided_by : "nobody", when,
	    row->comment[0] != '\0' ? ": " : "", row->comment);
}

static int
each(const struct decision_row *row, void *argument)
{
	struct printing *p = argument;

	if (p->n++ == 0 && p->brief)
		printf("\ndecisions:\n");
	if (strcmp(row->status, "pending") == 0)
		print_waiting(row);
	else
		print_answered(row);
	printf("    ");
	print_clean(row->summary);
	(void)putchar('\n');
	if (strcmp(row->status, "pending") != 0)
		return 0;
	print_options(row);
	printf("    answer: loopkeeper decide %s CHOICE\n", row->id);
	return 0;
}

int
decisions_print_brief(struct store *s)
{
	struct printing p = { .brief = true };

	return queries_each_decision(s, false, each, &p) < 0 ? -1 : 0;
}

#define FIELD(kind, member) PRINT_FIELD(struct decision_row, kind, member)

static int
each_json(const struct decision_row *row, void *argument)
{
	static const struct print_field fields[] = { FIELD(PRINT_TEXT, id),
		FIELD(PRINT_TEXT, decision_type), FIELD(PRINT_TEXT, summary),
		FIELD(PRINT_STORED, options), FIELD(PRINT_TEXT, default_option),
		FIELD(PRINT_STORED, context),
		FIELD(PRINT_NUMBER, timeout_minutes), FIELD(PRINT_TEXT, status),
		FIELD(PRINT_TEXT, requested_at),
		FIELD(PRINT_TEXT, requested_by), FIELD(PRINT_TEXT, decided_at),
		FIELD(PRINT_TEXT, decided_by), FIELD(PRINT_TEXT, choice),
		FIELD(PRINT_TEXT, comment) };

	return json_array_append_new(argument,
	    print_json_row(fields, sizeof(fields) / sizeof(fields[0]), row));
}

json_t *
decisions_json(struct store *s, bool all)
{
	json_t *list = json_array();

	if (queries_each_decision(s, all, each_json, list) == 0)
		return list;
	json_decref(list);
	return NULL;
}

static int
print_all(const struct cli *cli, struct store *s, bool all)
{
	struct printing p = { .brief = false };

	if (cli->json) {
		json_t *list = decisions_json(s, all);

		return list == NULL ? database_error(s)
				    : print_json(list, CLI_DONE);
	}
	if (queries_each_decision(s, all, each, &p) < 0)
		return database_error(s);
	if (p.n == 0)
		printf(all ? "no decisions\n"
			   : "no decision waits; --all shows the others\n");
	return CLI_DONE;
}

int
decisions_run(struct cli *cli, int argc, char **argv)
{
	bool all = false;
	const struct option_spec specs[] = {
		{ .name = "all", .letter = 'a', .flag = &all },
	};
	struct store s;

	(void)options_parse(cli, argc, argv, specs, 1, 0, 0);
	database_open(cli, &s, STORE_READ);
	return database_done(cli, &s, print_all(cli, &s, all));
}

/* What was chosen of the decision whose id is the argument, in its words. */
static int
print_choice(const struct decision_row *row, void *argument)
{
	json_t *options, *option;
	size_t i;

	if (strcmp(row->id, argument) != 0)
		return 0;
	printf("%s: %s", row->id, row->choice);
	options = json_loads(row->options, 0, NULL);
	json_array_foreach(options, i, option)
	{
		if (strcmp(print_json_get(option, "id"), row->choice) == 0)
			print_described(" (", option, ")");
	}
	json_decref(options);
	(void)putchar('\n');
	return 0;
}

static int
decide(struct cli *cli, struct store *s, const char *word, const char *choice,
    const char *comment)
{
	char id[IDS_SIZE];
	int answered, code = ids_find(cli, s, IDS_DECISION, word, id);

	if (code != CLI_DONE)
		return code;
	answered = decisions_answer(s, id, choice, database_user(), comment);
	if (answered < 0 && errno == EINVAL)
		return cli_error(CLI_FAILED,
		    "%s; 'loopkeeper decisions' shows what there is to choose",
		    store_error(s));
	if (answered < 0 && errno == EALREADY)
		return cli_error(CLI_FAILED, "%s", store_error(s));
	if (answered < 0 ||
	    queries_each_decision(s, true, print_choice, id) < 0)
		return database_error(s);
	return CLI_DONE;
}

int
decide_run(struct cli *cli, int argc, char **argv)
{
	const char *comment = NULL;
	const struct option_spec specs[] = {
		{ .name = "comment", .letter = 'm', .value = &comment },
	};
	struct store s;
	int code;

	(void)options_parse(cli, argc, argv, specs, 1, 2, 2);
	database_open(cli, &s, STORE_WRITE);
	code = decide(cli, &s, argv[1], argv[2], comment);
	store_close(&s);
	return code;
}
