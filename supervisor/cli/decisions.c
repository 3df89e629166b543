/* decisions: questions that wait for an answer, and how others were answered.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/decisions.h"
#include "cli/paste.h"
#include "cli/print.h"
#include "store/queries_fleet.h"
#include "system/process.h"

struct printing {
	const struct cli *cli;
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

/* To be pasted as it is; words may be "". */
static void
print_command(const struct cli *cli, const char *command, const char *id,
    const char *choice, const char *after)
{
	char text[PATH_SIZE + 512];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	paste_begin(&b, cli);
	buf_add(&b, command);
	for (int i = 0; i < 2; i++) {
		const char *word = i == 0 ? id : choice;

		if (word[0] == '\0')
			continue;
		buf_add(&b, " ");
		buf_add_word(&b, word);
	}
	printf("    %s%s", text, after);
}

void
decisions_print_options(const struct cli *cli, const char *decision_id,
    const char *json, const char *default_option)
{
	json_t *options = json_loads(json, 0, NULL), *option;
	size_t i;

	json_array_foreach(options, i, option)
	{
		const char *id = print_json_get(option, "id");

		if (id[0] == '\0')
			continue;
		print_command(cli, "decide", decision_id, id, "");
		print_described("   # ", option,
		    strcmp(id, default_option) == 0 ? " (the default)\n"
						    : "\n");
	}
	json_decref(options);
}

/* What it is about: "test_failing, T-1 of loop-1". */
static void
print_subject(const struct decision_row *row)
{
	printf("  %s  %s", row->id, row->decision_type);
	if (row->test_id[0] != '\0')
		printf(", %s", row->test_id);
	if (row->loop_id[0] != '\0')
		printf("%s %s", row->test_id[0] != '\0' ? " of" : ",",
		    row->loop_id);
	if (row->subject[0] != '\0')
		printf(", %s", row->subject);
}

int64_t
decisions_left_ms(const struct decision_row *row)
{
	char boot_id[PROCESS_BOOT_ID_SIZE];
	int64_t age_ms = print_age_ms(row->requested_at), left_ms;

	/* As the PM counts. */
	if (row->seen_ms > 0 && process_boot_id(boot_id) == 0 &&
	    strcmp(row->seen_boot, boot_id) == 0)
		age_ms = clock_ms() - row->seen_ms;
	if (age_ms < 0 || row->timeout_minutes < 0)
		return -1;
	left_ms = row->timeout_minutes * 60 * 1000 - age_ms;
	return left_ms > 0 ? left_ms : 0;
}

static void
print_waiting(const struct decision_row *row)
{
	char age[DURATION_SIZE] = "?", left[DURATION_SIZE];
	int64_t age_ms = print_age_ms(row->requested_at);
	int64_t left_ms = decisions_left_ms(row);

	if (age_ms >= 0)
		duration_format(age, age_ms);
	print_subject(row);
	printf("\n    asked %s ago by %s", age,
	    row->requested_by[0] != '\0' ? row->requested_by : "somebody");
	if (row->timeout_minutes < 0) {
		printf(", waits until it is answered");
	} else if (row->default_option[0] != '\0' && left_ms >= 0) {
		duration_format(left, left_ms);
		printf(", takes %s in %s", row->default_option, left);
	}
	(void)putchar('\n');
}

/* What to look at before one answers. */
static void
print_evidence(const struct cli *cli, const struct decision_row *row)
{
	bool was_tried = row->evidence[0] == '[' && row->evidence[1] == '"';
	json_t *list = json_loads(row->evidence, 0, NULL), *text;
	size_t i;

	json_array_foreach(list, i, text)
	{
		printf("      ");
		print_clean(json_string_value(text));
		(void)putchar('\n');
	}
	json_decref(list);
	if (strcmp(row->decision_type, "file_conflict") == 0)
		print_command(cli, "conflicts", "", "", "\n");
	else if (strcmp(row->decision_type, "regression") == 0)
		print_command(cli, "regressions", "", "", "\n");
	if (row->test_id[0] != '\0')
		print_command(cli, was_tried ? "transcript" : "show",
		    row->test_id, "", "\n");
}

/* "A (retry)" */
static void
print_choice(const struct decision_row *row)
{
	json_t *options = json_loads(row->options, 0, NULL), *option;
	size_t i;

	printf("%s", row->choice);
	json_array_foreach(options, i, option)
	{
		if (strcmp(print_json_get(option, "id"), row->choice) == 0)
			print_described(" (", option, ")");
	}
	json_decref(options);
}

static void
print_answered(const struct decision_row *row)
{
	const char *by =
	    row->decided_by[0] != '\0' ? row->decided_by : "nobody";
	char when[PRINT_TIME_SIZE];

	print_time(when, row->decided_at);
	print_subject(row);
	printf("\n    ");
	if (strcmp(row->status, "auto_resolved") == 0)
		printf("nobody answered in time, the default was taken: ");
	if (row->choice[0] != '\0')
		print_choice(row);
	else
		printf("closed without an answer");
	printf(", by %s at %s%s%s", by, when,
	    row->comment[0] != '\0' ? ": " : "", row->comment);
	if (row->choice[0] != '\0' && row->applied_at[0] == '\0')
		printf("; it isn't done yet");
	(void)putchar('\n');
}

static int
each(const struct decision_row *row, void *argument)
{
	bool waits = strcmp(row->status, "pending") == 0;
	struct printing *p = argument;

	if (p->n++ == 0 && p->brief)
		printf("\ndecisions:\n");
	if (waits)
		print_waiting(row);
	else
		print_answered(row);
	printf("    ");
	print_clean(row->summary);
	(void)putchar('\n');
	if (waits && !p->brief)
		print_evidence(p->cli, row);
	if (waits)
		decisions_print_options(
		    p->cli, row->id, row->options, row->default_option);
	return 0;
}

int
decisions_print_brief(const struct cli *cli, struct store *s)
{
	struct printing p = { .cli = cli, .brief = true };

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
		FIELD(PRINT_KNOWN, timeout_minutes), FIELD(PRINT_TEXT, status),
		FIELD(PRINT_TEXT, requested_at),
		FIELD(PRINT_TEXT, requested_by), FIELD(PRINT_TEXT, decided_at),
		FIELD(PRINT_TEXT, decided_by), FIELD(PRINT_TEXT, choice),
		FIELD(PRINT_TEXT, comment), FIELD(PRINT_TEXT, applied_at),
		FIELD(PRINT_TEXT, test_id), FIELD(PRINT_TEXT, loop_id),
		FIELD(PRINT_TEXT, subject), FIELD(PRINT_STORED, evidence) };

	return json_array_append_new(argument,
	    print_json_row(fields, sizeof(fields) / sizeof(fields[0]), row));
}

static int
each_of_one(const struct decision_row *row, void *argument)
{
	if (strcmp(row->id, argument) == 0) {
		printf("%s: ", row->id);
		print_choice(row);
		(void)putchar('\n');
	}
	return 0;
}

int
decisions_print_choice(struct store *s, char *id)
{
	return queries_each_decision(s, true, each_of_one, id) < 0 ? -1 : 0;
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
	struct printing p = { .cli = cli };

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
	return database_list(cli, argc, argv, print_all);
}
