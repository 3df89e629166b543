/* alerts and ack. */
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "cli/alerts.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/print.h"
#include "store/queries_fleet.h"

#define BRIEF 5 /* so many stand below `status` */

struct printing {
	const struct cli *cli;
	int n;
	int limit; /* 0: all */
};

static enum print_colour
colour_of(const struct alert_row *row)
{
	if (strcmp(row->severity, "error") == 0 ||
	    strcmp(row->severity, "critical") == 0)
		return PRINT_RED;
	return strcmp(row->severity, "warning") == 0 ? PRINT_YELLOW
						     : PRINT_PLAIN;
}

static void
print_alert(const struct cli *cli, const struct alert_row *row)
{
	char age[DURATION_SIZE] = "?";
	int64_t age_ms = print_age_ms(row->created_at);

	if (age_ms >= 0)
		duration_format(age, age_ms);
	printf("  %s%s%s %s ago: ", print_begin(cli->colour, colour_of(row)),
	    row->severity, print_end(cli->colour, colour_of(row)), age);
	print_clean(row->message);
	printf("\n    from %s, id %s", row->source, row->id);
	if (row->acknowledged)
		printf(", seen by %s",
		    row->acknowledged_by[0] != '\0' ? row->acknowledged_by
						    : "somebody");
	(void)putchar('\n');
}

static int
each(const struct alert_row *row, void *argument)
{
	struct printing *p = argument;

	if (p->n == 0 && p->limit > 0)
		printf("\nalerts:\n");
	p->n++;
	if (p->limit == 0 || p->n <= p->limit)
		print_alert(p->cli, row);
	return 0;
}

int
alerts_print_brief(const struct cli *cli, struct store *s)
{
	struct printing p = { .cli = cli, .limit = BRIEF };

	if (queries_each_alert(s, false, each, &p) < 0)
		return -1;
	if (p.n > p.limit)
		printf("  and %d more: 'loopkeeper alerts' shows all\n",
		    p.n - p.limit);
	return 0;
}

#define FIELD(kind, member) PRINT_FIELD(struct alert_row, kind, member)

static int
each_json(const struct alert_row *row, void *argument)
{
	static const struct print_field fields[] = { FIELD(PRINT_TEXT, id),
		FIELD(PRINT_TEXT, severity), FIELD(PRINT_TEXT, alert_type),
		FIELD(PRINT_TEXT, source), FIELD(PRINT_TEXT, message),
		FIELD(PRINT_STORED, context),
		FIELD(PRINT_TEXT, acknowledged_by),
		FIELD(PRINT_TEXT, acknowledged_at),
		FIELD(PRINT_TEXT, created_at) };
	json_t *alert =
	    print_json_row(fields, sizeof(fields) / sizeof(fields[0]), row);

	(void)json_object_set_new(
	    alert, "acknowledged", json_boolean(row->acknowledged));
	return json_array_append_new(argument, alert);
}

json_t *
alerts_json(struct store *s, bool all)
{
	json_t *list = json_array();

	if (queries_each_alert(s, all, each_json, list) == 0)
		return list;
	json_decref(list);
	return NULL;
}

static int
print_all(const struct cli *cli, struct store *s, bool all)
{
	struct printing p = { .cli = cli };

	if (cli->json) {
		json_t *list = alerts_json(s, all);

		return list == NULL ? database_error(s)
				    : print_json(list, CLI_DONE);
	}
	if (queries_each_alert(s, all, each, &p) < 0)
		return database_error(s);
	if (p.n == 0)
		printf(all ? "no alerts\n"
			   : "no alerts that nobody has seen; --all shows "
			     "the others\n");
	return CLI_DONE;
}

int
alerts_run(struct cli *cli, int argc, char **argv)
{
	return database_list(cli, argc, argv, print_all);
}

static int
count(const struct alert_row *row, void *argument)
{
	int *n = argument;

	(void)row;
	(*n)++;
	return 0;
}

static int
acknowledge_all(struct store *s, bool dry_run)
{
	int n = 0;

	if (!dry_run)
		n = queries_acknowledge(s, NULL, database_user());
	else if (queries_each_alert(s, false, count, &n) < 0)
		n = -1;
	if (n < 0)
		return database_error(s);
	printf("%d alert%s %smarked as seen\n", n, n == 1 ? "" : "s",
	    dry_run ? "would be " : "");
	return CLI_DONE;
}

static int
acknowledge(struct cli *cli, struct store *s, const char *word)
{
	char id[IDS_SIZE];
	int n, code = ids_find(cli, s, IDS_ALERT, word, id);

	if (code != CLI_DONE)
		return code;
	n = queries_acknowledge(s, id, database_user());
	if (n < 0)
		return database_error(s);
	printf(n > 0 ? "alert %s is marked as seen\n"
		     : "alert %s was marked as seen already\n",
	    id);
	return CLI_DONE;
}

int
ack_run(struct cli *cli, int argc, char **argv)
{
	bool dry_run = false, all;
	const struct option_spec specs[] = {
		{ .name = "dry-run", .letter = 'n', .flag = &dry_run },
	};
	struct store s;
	int code;

	(void)options_parse(cli, argc, argv, specs, 1, 1, 1);
	all = strcasecmp(argv[1], "all") == 0;
	if (dry_run && !all)
		cli_usage("ack");
	database_open(cli, &s, dry_run ? STORE_READ : STORE_WRITE);
	code =
	    all ? acknowledge_all(&s, dry_run) : acknowledge(cli, &s, argv[1]);
	store_close(&s);
	return code;
}
