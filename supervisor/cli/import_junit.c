#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/import_junit.h"
#include "cli/junit_plan.h"
#include "cli/junit_verify.h"
#include "cli/new_test.h"
#include "cli/table.h"
#include "store/queries_add.h"
#include "store/queries_queue.h"

#define SAID_MAX  8   /* of errors and names that are alike */
#define LINE_SIZE 160 /* of a case's name in a message */

/* An import on its way. */
struct run {
	struct cli *cli;
	const struct import_junit *what;
	struct conf *conf; /* NULL: it is faulty */
	struct store *s;
	struct junit_report report;
	struct junit_plan plan;
	int64_t *orders; /* the last sort_order of each loop; 0: not asked */
	struct table table;
	char verify[JUNIT_VERIFY_SIZE];
};

enum { TEST, LOOP, CATEGORY, NCOLUMNS };

/* ---- before anything is touched ---- */

static int
check_options(const struct import_junit *what)
{
	char error[256];

	if (what->verify == NULL || what->verify[0] == '\0')
		return cli_error(CLI_USAGE,
		    "import --junit: --verify CMD says how one case is run: "
		    "--verify 'npx vitest run {file} -t {name}', 'pytest "
		    "{file} -k {name}', 'go test {class} -run {name}'");
	if (!junit_verify_check(what->verify, error, sizeof(error)))
		return cli_error(CLI_USAGE, "--verify: %s", error);
	return CLI_DONE;
}

static const char *
path_name(const struct run *run)
{
	return strcmp(run->what->path, "-") == 0 ? "standard input"
						 : run->what->path;
}

static int
read_report(struct run *run)
{
	const struct junit_report *report = &run->report;
	bool is_stdin = strcmp(run->what->path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO
			  : open(run->what->path, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return cli_error(
		    CLI_FAILED, "%s: %s", run->what->path, strerror(errno));
	result = junit_report_read(&run->report, fd);
	if (!is_stdin)
		io_close(&fd);
	if (result == 0)
		return CLI_DONE;
	if (report->error_line == 0)
		return cli_error(
		    CLI_FAILED, "%s: %s", path_name(run), report->error);
	return cli_error(CLI_FAILED, "%s:%zu: %s", path_name(run),
	    report->error_line, report->error);
}

static int
locate(struct run *run)
{
	size_t nroots = run->conf != NULL ? run->conf->nloops : 0;
	const char **roots = calloc(nroots + 1, sizeof(*roots));
	int result = roots == NULL ? -1 : 0;

	for (size_t i = 0; roots != NULL && i < nroots; i++)
		roots[i] = run->conf->loops[i].repository;
	for (size_t i = 0; i < run->report.n && result == 0; i++)
		result =
		    junit_case_locate(&run->report.cases[i], roots, nroots);
	free(roots);
	return result < 0 ? cli_error(CLI_FAILED, "out of memory") : CLI_DONE;
}

static void
say_lack(const struct run *run, const struct junit_case *c, const char *word)
{
	char name[LINE_SIZE], file[LINE_SIZE];

	print_cut(name, sizeof(name), c->name, 60);
	print_cut(file, sizeof(file), c->file, 100);
	if (c->file[0] == '/' && strcmp(word, "{file}") == 0)
		(void)cli_error(CLI_FAILED,
		    "%s:%zu: %s: its file %s is in no loop's repository",
		    path_name(run), c->line, name, file);
	else
		(void)cli_error(CLI_FAILED,
		    "%s:%zu: %s: the report tells no %s of it; --verify has "
		    "to do without",
		    path_name(run), c->line, name, word);
}

/* Whether each case can be verified as --verify says. */
static int
check_cases(const struct run *run)
{
	const struct junit_report *report = &run->report;
	size_t nbad = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct junit_case *c = &report->cases[i];
		const char *word = junit_verify_lacks(run->what->verify, c);

		if (word != NULL && nbad++ < SAID_MAX)
			say_lack(run, c, word);
	}
	if (nbad > 0)
		return cli_error(CLI_FAILED,
		    "%s: %zu case%s can't be verified so: nothing was "
		    "imported",
		    path_name(run), nbad, nbad == 1 ? "" : "s");
	return CLI_DONE;
}

/* ---- the import ---- */

/* Where the loop's next test stands: behind all that are there. */
static int
next_order(struct run *run, size_t loop, int64_t *ret)
{
	const char *id = run->plan.loops.items[loop];

	if (run->orders[loop] == 0 &&
	    (new_test_add_loop(run->cli, run->s, id) < 0 ||
		queries_last_sort_order(run->s, id, &run->orders[loop]) < 0))
		return database_error(run->s);
	*ret = ++run->orders[loop];
	return CLI_DONE;
}

/* A command is too long for a column, and all of it matters. */
static void
add_row(struct run *run, const struct test_row *row)
{
	table_begin_row(&run->table);
	table_set(&run->table, TEST, "%s", row->id);
	table_set(&run->table, LOOP, "%s", row->loop_id);
	table_set(&run->table, CATEGORY, "%s", row->category);
	text_clean(run->verify);
	table_note(&run->table, run->verify);
}

static int
insert(struct run *run, size_t i)
{
	const struct junit_case *c = &run->report.cases[i];
	const struct planned *planned = &run->plan.tests[i];
	size_t loop = run->plan.spread.groups[planned->group].loop;
	char category[JUNIT_PATH_SIZE], name[LINE_SIZE];
	struct test_row row = { .id = planned->id,
		.loop_id = run->plan.loops.items[loop],
		.category = category,
		.spec_content = c->detail,
		.verify = run->verify,
		.automatable = 1 };
	struct buf b;
	int code;

	buf_init(&b, run->verify, sizeof(run->verify));
	junit_verify_fill(&b, run->what->verify, c);
	if (b.cut) {
		print_cut(name, sizeof(name), c->name, 60);
		return cli_error(CLI_FAILED,
		    "%s:%zu: %s: its command is over %d kB", path_name(run),
		    c->line, name, JUNIT_VERIFY_SIZE / 1024);
	}
	junit_case_directory(c, category);
	code = next_order(run, loop, &row.sort_order);
	if (code != CLI_DONE)
		return code;
	if (queries_add_test(run->s, &row) < 0)
		return database_error(run->s);
	if (run->what->dry_run)
		add_row(run, &row);
	return CLI_DONE;
}

static int
insert_all(struct run *run, const char *loop)
{
	const struct junit_plan *plan = &run->plan;
	int code =
	    junit_plan_make(&run->plan, run->s, run->conf, &run->report, loop);

	if (code != CLI_DONE)
		return code;
	run->orders = calloc(plan->loops.n + 1, sizeof(run->orders[0]));
	if (run->orders == NULL)
		return cli_error(CLI_FAILED, "out of memory");
	for (size_t i = 0; i < run->report.n && code == CLI_DONE; i++)
		if (plan->tests[i].kind == PLANNED_NEW)
			code = insert(run, i);
	return code;
}

/* ---- what is said of it ---- */

/* " (7 to loop-1, 5 to loop-2)" */
static void
print_shares(const struct junit_plan *p)
{
	const char *between = " (";

	for (size_t i = 0; i < p->loops.n; i++) {
		size_t n = 0;

		for (size_t g = 0; g < p->spread.n; g++)
			if (p->spread.groups[g].loop == i)
				n += p->spread.groups[g].ntests;
		if (n == 0)
			continue;
		printf("%s%zu to %s", between, n, p->loops.items[i]);
		between = ", ";
	}
	if (p->spread.n > 0)
		printf(")");
}

static void
print_passed(const struct run *run)
{
	size_t n = run->plan.counts[PLANNED_PASSED], said = 0;

	if (n == 0)
		return;
	printf("%zu that %s passed %s again in this report (", n,
	    n == 1 ? "has" : "have", n == 1 ? "fails" : "fail");
	for (size_t i = 0; i < run->report.n && said < SAID_MAX; i++)
		if (run->plan.tests[i].kind == PLANNED_PASSED)
			printf("%s%s", said++ > 0 ? ", " : "",
			    run->plan.tests[i].id);
	printf("%s); 'loopkeeper reset TEST' puts one back into the queue\n",
	    n > said ? ", ..." : "");
}

static int
print_result(struct run *run)
{
	const size_t *counts = run->plan.counts;
	size_t nold = counts[PLANNED_OLD] + counts[PLANNED_PASSED];

	if (run->table.nrows > 0 && table_print(&run->table) < 0)
		return cli_error(CLI_FAILED, "out of memory");
	printf("%zu of %zu cases fail%s", run->report.n, run->report.nseen,
	    run->report.n == 1 ? "s" : "");
	if (counts[PLANNED_AGAIN] > 0)
		printf(", %zu of them once more", counts[PLANNED_AGAIN]);
	printf(": %zu test%s %s", counts[PLANNED_NEW],
	    counts[PLANNED_NEW] == 1 ? "" : "s",
	    run->what->dry_run ? "would be added" : "added");
	print_shares(&run->plan);
	printf(", %zu %s there already\n", nold, nold == 1 ? "was" : "were");
	print_passed(run);
	return CLI_DONE;
}

/* ---- all of it ---- */

/* In one transaction; with --dry-run it is taken back. */
static int
import(struct run *run)
{
	char loop[IDS_SIZE];
	int begun, code = CLI_DONE;

	if (run->what->loop != NULL)
		code =
		    ids_find(run->cli, run->s, IDS_LOOP, run->what->loop, loop);
	if (code != CLI_DONE)
		return code;
	while ((begun = store_begin(run->s)) == 1)
		continue;
	if (begun < 0)
		return database_error(run->s);
	code = insert_all(run, run->what->loop != NULL ? loop : NULL);
	if (code != CLI_DONE || run->what->dry_run)
		store_rollback(run->s);
	else if (store_commit(run->s) < 0)
		code = database_error(run->s);
	return code == CLI_DONE ? print_result(run) : code;
}

static void
finish(struct run *run)
{
	junit_report_free(&run->report);
	junit_plan_free(&run->plan);
	table_free(&run->table);
	conf_free(run->conf);
	free(run->orders);
}

int
import_junit(struct cli *cli, const struct import_junit *what)
{
	static const char *const titles[] = { "TEST", "LOOP", "CATEGORY" };
	struct run run = { .cli = cli, .what = what };
	struct store s;
	int code = check_options(what);

	if (code != CLI_DONE)
		return code;
	cli_locate(cli);
	run.conf = names_load_conf(cli);
	table_init(&run.table, titles, NCOLUMNS, cli->colour);
	code = read_report(&run);
	if (code == CLI_DONE)
		code = locate(&run);
	if (code == CLI_DONE)
		code = check_cases(&run);
	if (code == CLI_DONE) {
		database_open(cli, &s, STORE_CREATE);
		run.s = &s;
		code = import(&run);
		store_close(&s);
	}
	finish(&run);
	return code;
}
