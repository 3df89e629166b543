/* add: one test, from the command line. Several: import.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/io.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/names.h"
#include "cli/new_test.h"
#include "cli/options.h"
#include "cli/print.h"
#include "store/queries_add.h"
#include "store/queries_ids.h"

#define SPEC_SIZE_MAX (1024 * 1024)

/* What was given, as options_parse() leaves it. */
struct given {
	const char *loop;
	const char *verify;
	const char *spec;
	const char *depends_on;
	const char *category;
	const char *worker;
	const char *notes;
	const char *max_attempts;
	struct option_list files;
	struct option_list test_files;
	bool allow_test_changes;
	bool dry_run;
};

/* The patterns as a JSON array, to be freed; NULL for none. */
static char *
patterns(const struct option_list *list)
{
	json_t *array;
	char *text;

	if (list->n == 0)
		return NULL;
	array = json_array();
	for (size_t i = 0; i < list->n; i++)
		(void)json_array_append_new(
		    array, print_json_text(list->values[i]));
	text = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return text;
}

/* Reads the file into memory to be freed; NULL after an error. */
static char *
read_spec(const char *path)
{
	char *text = malloc(SPEC_SIZE_MAX);

	if (text == NULL) {
		(void)cli_error(CLI_FAILED, "out of memory");
		return NULL;
	}
	if (io_read_file(AT_FDCWD, path, text, SPEC_SIZE_MAX) >= 0)
		return text;
	(void)cli_error(CLI_FAILED, "--spec %s: %s", path,
	    errno == EFBIG ? "is over 1 MB" : strerror(errno));
	free(text);
	return NULL;
}

/* In one transaction: the loop's row where it has none, and the test. */
static int
insert(struct cli *cli, struct store *s, struct test_row *test, bool dry_run)
{
	int begun;

	while ((begun = store_begin(s)) == 1)
		continue;
	if (begun < 0)
		return database_error(s);
	if (new_test_add_loop(cli, s, test->loop_id) < 0 ||
	    queries_last_sort_order(s, test->loop_id, &test->sort_order) < 0 ||
	    (test->sort_order++, queries_add_test(s, test)) < 0) {
		(void)database_error(s);
		store_rollback(s);
		return CLI_FAILED;
	}
	if (dry_run)
		store_rollback(s);
	else if (store_commit(s) < 0)
		return database_error(s);
	printf("%s %s to the queue of %s\n", test->id,
	    dry_run ? "would be added" : "was added", test->loop_id);
	return CLI_DONE;
}

static int
add(struct cli *cli, struct store *s, const char *id, const struct given *g,
    int64_t max_attempts)
{
	char loop[IDS_SIZE], depends_on[IDS_SIZE] = "", same[IDS_SIZE];
	struct test_row test = { .id = id,
		.loop_id = loop,
		.category = g->category,
		.verify = g->verify,
		.worker = g->worker,
		.notes = g->notes,
		.depends_on = depends_on,
		.max_attempts = max_attempts,
		.automatable = 1,
		.allow_test_changes = g->allow_test_changes };
	char *spec = NULL, *files, *test_files;
	int code, found = queries_id(s, QUERIES_TEST, id, same, sizeof(same));

	if (found < 0)
		return database_error(s);
	if (found > 0) {
		printf("%s is there already; nothing was changed\n", same);
		return CLI_DONE;
	}
	code = new_test_loop(cli, s, g->loop, loop);
	if (code == CLI_DONE && g->depends_on != NULL)
		code = ids_find(cli, s, IDS_TEST, g->depends_on, depends_on);
	if (code != CLI_DONE)
		return code;
	if (g->spec != NULL && (spec = read_spec(g->spec)) == NULL)
		return CLI_FAILED;
	test.spec_content = spec;
	test.files = files = patterns(&g->files);
	test.test_files = test_files = patterns(&g->test_files);
	code = insert(cli, s, &test, g->dry_run);
	free(spec);
	free(files);
	free(test_files);
	return code;
}

static void
check(const char *id, const struct given *g, int64_t *ret_max_attempts)
{
	const char *wrong = new_test_id_error(id);

	if (wrong != NULL)
		cli_fail(CLI_USAGE, "%s can't be a test's id: %s", id, wrong);
	if (g->verify == NULL || g->verify[0] == '\0')
		cli_fail(CLI_USAGE,
		    "add %s: --verify CMD says what must succeed before the "
		    "test is passed",
		    id);
	if (g->max_attempts != NULL &&
	    text_parse_int(g->max_attempts, 1, 1000, ret_max_attempts) < 0)
		cli_fail(CLI_USAGE,
		    "--max-attempts %s: it is a number from 1 to 1000",
		    g->max_attempts);
}

int
add_run(struct cli *cli, int argc, char **argv)
{
	struct given g = { 0 };
	const struct option_spec specs[] = {
		{ .name = "loop", .letter = 'l', .value = &g.loop },
		{ .name = "verify", .letter = 'v', .value = &g.verify },
		{ .name = "spec", .letter = 's', .value = &g.spec },
		{ .name = "depends-on", .letter = 'd', .value = &g.depends_on },
		{ .name = "category", .value = &g.category },
		{ .name = "worker", .value = &g.worker },
		{ .name = "notes", .value = &g.notes },
		{ .name = "max-attempts", .value = &g.max_attempts },
		{ .name = "files", .list = &g.files },
		{ .name = "test-files", .list = &g.test_files },
		{ .name = "allow-test-changes", .flag = &g.allow_test_changes },
		{ .name = "dry-run", .letter = 'n', .flag = &g.dry_run },
	};
	int64_t max_attempts = 0;
	struct store s;
	int code;

	(void)options_parse(
	    cli, argc, argv, specs, sizeof(specs) / sizeof(specs[0]), 1, 1);
	check(argv[1], &g, &max_attempts);
	database_open(cli, &s, STORE_CREATE);
	code = add(cli, &s, argv[1], &g, max_attempts);
	store_close(&s);
	return code;
}
