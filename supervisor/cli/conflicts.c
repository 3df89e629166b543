/* conflicts: loops that changed the same files, and how that was settled. */
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/decisions.h"
#include "cli/print.h"
#include "store/queries_conflicts.h"

struct printing {
	const struct cli *cli;
	int n;
};

static bool
is(const struct conflict_entry *row, const char *status)
{
	return strcmp(row->status, status) == 0;
}

static void
print_files(const char *json)
{
	json_t *files = json_loads(json, 0, NULL), *file;
	size_t i;

	json_array_foreach(files, i, file)
	{
		printf("%s", i > 0 ? ", " : "");
		print_clean(
		    json_is_string(file) ? json_string_value(file) : "?");
	}
	json_decref(files);
}

static void
print_side(
    const char *loop, int64_t priority, const char *test, const char *word)
{
	printf("    ");
	print_clean(loop[0] != '\0' ? loop : "somebody else");
	if (priority > 0)
		printf(" (priority %lld)", (long long)priority);
	printf("%s", test[0] != '\0' ? ", " : "");
	print_clean(test);
	printf("%s%s\n", word[0] != '\0' ? ": " : "", word);
}

/* Who goes first isn't settled before the other one is paused. */
static void
print_sides(const struct conflict_entry *row)
{
	bool was_paused = row->paused_loop[0] != '\0', over = is(row, "closed");

	print_side(row->first_loop, row->first_priority, row->first_test,
	    !was_paused ? ""
		: over	? "went first"
			: "goes first");
	print_side(row->second_loop, row->second_priority, row->second_test,
	    !was_paused			 ? ""
		: over			 ? "was paused"
		: is(row, "paused")	 ? "paused"
		: row->choice[0] != '\0' ? "waits for the PM"
					 : "waits for an answer");
}

static void
print_age(const char *before, const char *stored)
{
	int64_t age_ms = print_age_ms(stored);
	char age[DURATION_SIZE] = "?";

	if (age_ms >= 0)
		duration_format(age, age_ms);
	printf("%s%s ago", before, age);
}

/* "DEC-001: A, by olaf" */
static void
print_answer(const struct conflict_entry *row)
{
	printf("    ");
	print_clean(row->decision_id);
	printf(": ");
	print_clean(row->choice);
	printf(", by ");
	print_clean(row->decided_by[0] != '\0' ? row->decided_by : "somebody");
	printf("; it isn't done yet\n");
}

static int
each(const struct conflict_entry *row, void *argument)
{
	struct printing *p = argument;

	p->n++;
	printf("  ");
	print_clean(row->id);
	printf("  ");
	print_files(row->files);
	print_age(", found ", row->detected_at);
	printf(
	    "%s\n", is(row, "open") ? "; the PM has still to settle it" : "");
	print_sides(row);
	decisions_print_options(
	    p->cli, row->decision_id, row->options, row->default_option);
	if (is(row, "deciding") && row->choice[0] != '\0')
		print_answer(row);
	if (is(row, "closed")) {
		print_age("    ended ", row->closed_at);
		printf("%s", row->outcome[0] != '\0' ? ": " : "");
		print_clean(row->outcome);
		(void)putchar('\n');
	}
	return 0;
}

#define FIELD(kind, member) PRINT_FIELD(struct conflict_entry, kind, member)

static int
each_json(const struct conflict_entry *row, void *argument)
{
	static const struct print_field fields[] = { FIELD(PRINT_TEXT, id),
		FIELD(PRINT_TEXT, status), FIELD(PRINT_STORED, files),
		FIELD(PRINT_TEXT, first_loop),
		FIELD(PRINT_SOME, first_priority),
		FIELD(PRINT_TEXT, first_test), FIELD(PRINT_TEXT, first_attempt),
		FIELD(PRINT_TEXT, second_loop),
		FIELD(PRINT_SOME, second_priority),
		FIELD(PRINT_TEXT, second_test),
		FIELD(PRINT_TEXT, second_attempt),
		FIELD(PRINT_TEXT, paused_loop), FIELD(PRINT_TEXT, decision_id),
		FIELD(PRINT_TEXT, choices), FIELD(PRINT_TEXT, choice),
		FIELD(PRINT_TEXT, outcome), FIELD(PRINT_TEXT, detected_at),
		FIELD(PRINT_TEXT, closed_at) };

	return json_array_append_new(argument,
	    print_json_row(fields, sizeof(fields) / sizeof(fields[0]), row));
}

static int
print_all(const struct cli *cli, struct store *s, bool all)
{
	struct printing p = { .cli = cli };

	if (cli->json) {
		json_t *list = json_array();

		if (queries_each_conflict(s, all, each_json, list) == 0)
			return print_json(list, CLI_DONE);
		json_decref(list);
		return database_error(s);
	}
	if (queries_each_conflict(s, all, each, &p) < 0)
		return database_error(s);
	if (p.n == 0)
		printf(all ? "no conflicts\n"
			   : "no conflict is open, and none ended within a "
			     "day; --all shows the others\n");
	return CLI_DONE;
}

int
conflicts_run(struct cli *cli, int argc, char **argv)
{
	return database_list(cli, argc, argv, print_all);
}
