/*
 * import: tests from a JSON file, all of them or, when anything is wrong, none.
 * What is there already stays as it is: a second import adds what is new.
 * Those of a JUnit report: import_junit.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/import_junit.h"
#include "cli/import_read.h"
#include "cli/new_test.h"
#include "cli/options.h"
#include "store/queries_add.h"
#include "store/queries_ids.h"

/* An import on its way. */
struct run {
	struct cli *cli;
	struct store *s;
	struct import im;
	const char *loop;   /* for tests that name none; "" for nobody */
	struct names loops; /* all there are */
	json_t *known;	    /* lower-case id -> id, of the database */
	json_t *listed;	    /* lower-case id -> index, of the file */
	json_t *order;	    /* loop -> last sort_order */
	size_t nadded;
	size_t nold;
};

static void
lower(char *to, size_t size, const char *from)
{
	(void)strlcpy(to, from, size);
	for (; *to != '\0'; to++)
		*to = (char)tolower((unsigned char)*to);
}

static int
add_known(const char *id, void *argument)
{
	char key[IDS_SIZE];

	lower(key, sizeof(key), id);
	return json_object_set_new(argument, key, json_string(id)) < 0 ? 1 : 0;
}

static void
list_ids(struct run *run)
{
	json_t *test;
	size_t i;

	json_array_foreach(run->im.tests, i, test)
	{
		const char *id = import_text(test, "id");
		char key[IDS_SIZE];
		json_t *first;

		if (id == NULL)
			continue;
		lower(key, sizeof(key), id);
		first = json_object_get(run->listed, key);
		if (first != NULL)
			import_error(&run->im, i, "test %lld has the same id",
			    (long long)json_integer_value(first) + 1);
		else
			(void)json_object_set_new(
			    run->listed, key, json_integer((json_int_t)i));
	}
}

/* Sets depends_on to the id as it is written where it is defined. */
static void
check_dependency(struct run *run, size_t i, json_t *test)
{
	const char *id = import_text(test, "depends_on");
	char key[IDS_SIZE];
	const json_t *index;
	json_t *found;

	if (id == NULL)
		return;
	lower(key, sizeof(key), id);
	found = json_object_get(run->known, key);
	index = json_object_get(run->listed, key);
	if (found == NULL && index != NULL)
		found = json_object_get(json_array_get(run->im.tests,
					    (size_t)json_integer_value(index)),
		    "id");
	if (found == NULL)
		import_error(&run->im, i,
		    "it depends on %s, which is neither in the file nor in "
		    "the database",
		    id);
	else
		(void)json_object_set(test, "depends_on", found);
}

/* Index of the test in the file that the one at index depends on, or n. */
static size_t
next_of(const struct run *run, size_t index, size_t n)
{
	const char *id =
	    import_text(json_array_get(run->im.tests, index), "depends_on");
	char key[IDS_SIZE];
	const json_t *next;

	if (id == NULL)
		return n;
	lower(key, sizeof(key), id);
	next = json_object_get(run->listed, key);
	return next == NULL ? n : (size_t)json_integer_value(next);
}

/* Walks from each test along depends_on, over ground that is new; who comes
 * upon the traces of his own walk has gone round. */
static int
check_circles(struct run *run)
{
	size_t n = json_array_size(run->im.tests);
	size_t *walks = calloc(n + 1, sizeof(*walks));

	if (walks == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t at = i;

		while (at < n && walks[at] == 0) {
			walks[at] = i + 1;
			at = next_of(run, at, n);
		}
		if (at < n && walks[at] == i + 1 && walks[i] == i + 1 &&
		    next_of(run, at, n) < n)
			import_error(
			    &run->im, at, "it depends, in the end, on itself");
	}
	free(walks);
	return 0;
}

/* Sets loop_id to the loop's full name. */
static void
check_loop(struct run *run, size_t i, json_t *test)
{
	const char *word = import_text(test, "loop_id"), *nearest, *found;

	if (word == NULL)
		word = run->loop;
	if (word[0] == '\0') {
		import_error(&run->im, i,
		    "it names no loop; --loop LOOP says whose it is");
		return;
	}
	switch (names_match(&run->loops, word, &found)) {
	case NAMES_ONE:
		(void)json_object_set_new(test, "loop_id", json_string(found));
		break;
	case NAMES_SEVERAL:
		import_error(&run->im, i, "loop_id %s may mean %s and others",
		    word, found);
		break;
	case NAMES_NONE:
		nearest = names_nearest(&run->loops, word);
		import_error(&run->im, i, "there is no loop %s%s%s", word,
		    nearest != NULL ? "; the nearest is " : "",
		    nearest != NULL ? nearest : "");
		break;
	}
}

static int
check(struct run *run)
{
	json_t *test;
	size_t i;

	if (queries_each_id(run->s, QUERIES_TEST, add_known, run->known) != 0)
		return database_error(run->s);
	list_ids(run);
	json_array_foreach(run->im.tests, i, test)
	{
		check_loop(run, i, test);
		check_dependency(run, i, test);
	}
	if (check_circles(run) < 0)
		return cli_error(CLI_FAILED, "out of memory");
	if (run->im.nerrors == 0)
		return CLI_DONE;
	return cli_error(CLI_FAILED, "%s: %d error%s: nothing was imported",
	    run->im.path, run->im.nerrors, run->im.nerrors == 1 ? "" : "s");
}

/* Where the next test of that loop stands: behind all that are there. */
static int
next_order(struct run *run, const char *loop, int64_t *ret)
{
	const json_t *last = json_object_get(run->order, loop);

	if (last != NULL)
		*ret = json_integer_value(last);
	else if (new_test_add_loop(run->cli, run->s, loop) < 0 ||
	    queries_last_sort_order(run->s, loop, ret) < 0)
		return -1;
	++*ret;
	return json_object_set_new(run->order, loop, json_integer(*ret));
}

static int
insert(struct run *run, const json_t *test)
{
	struct test_row row;
	char key[IDS_SIZE];
	int64_t order;

	import_row(test, &row);
	lower(key, sizeof(key), row.id);
	if (json_object_get(run->known, key) != NULL) {
		run->nold++;
		return 0;
	}
	if (next_order(run, row.loop_id, &order) < 0)
		return -1;
	if (json_object_get(test, "sort_order") == NULL)
		row.sort_order = order;
	run->nadded++;
	return queries_add_test(run->s, &row) < 0 ? -1 : 0;
}

static int
insert_all(struct run *run, bool dry_run)
{
	json_t *test;
	size_t i;
	int begun;

	while ((begun = store_begin(run->s)) == 1)
		continue;
	if (begun < 0)
		return database_error(run->s);
	json_array_foreach(run->im.tests, i, test) if (insert(run, test) < 0)
	{
		(void)database_error(run->s);
		store_rollback(run->s);
		return CLI_FAILED;
	}
	if (dry_run)
		store_rollback(run->s);
	else if (store_commit(run->s) < 0)
		return database_error(run->s);
	printf("%zu test%s %s, %zu %s there already\n", run->nadded,
	    run->nadded == 1 ? "" : "s", dry_run ? "would be added" : "added",
	    run->nold, run->nold == 1 ? "was" : "were");
	return CLI_DONE;
}

static int
import(struct run *run, const char *path, bool dry_run)
{
	int code;

	if (ids_list(run->cli, run->s, IDS_LOOP, &run->loops) < 0)
		return database_error(run->s);
	if (run->loop == NULL)
		run->loop = run->loops.n == 1 ? run->loops.items[0] : "";
	if (import_read(&run->im, path) < 0)
		return CLI_FAILED;
	code = check(run);
	return code == CLI_DONE ? insert_all(run, dry_run) : code;
}

static int
import_json(struct cli *cli, const char *path, const char *loop, bool dry_run)
{
	struct store s;
	struct run run;
	int code;

	database_open(cli, &s, STORE_CREATE);
	run = (struct run){ .cli = cli,
		.s = &s,
		.loop = loop,
		.known = json_object(),
		.listed = json_object(),
		.order = json_object() };
	code = import(&run, path, dry_run);
	import_free(&run.im);
	names_free(&run.loops);
	json_decref(run.known);
	json_decref(run.listed);
	json_decref(run.order);
	store_close(&s);
	return code;
}

int
import_run(struct cli *cli, int argc, char **argv)
{
	struct import_junit junit = { .path = NULL };
	const struct option_spec specs[] = {
		{ .name = "junit", .letter = 'j', .value = &junit.path },
		{ .name = "verify", .letter = 'v', .value = &junit.verify },
		{ .name = "loop", .letter = 'l', .value = &junit.loop },
		{ .name = "dry-run", .letter = 'n', .flag = &junit.dry_run },
	};
	int n = options_parse(
	    cli, argc, argv, specs, sizeof(specs) / sizeof(specs[0]), 0, 1);

	if ((junit.path != NULL) == (n == 1))
		cli_usage(argv[0]);
	if (junit.path != NULL)
		return import_junit(cli, &junit);
	if (junit.verify != NULL)
		cli_fail(CLI_USAGE,
		    "import: --verify is for --junit; in a JSON file each "
		    "test has its own");
	return import_json(cli, argv[1], junit.loop, junit.dry_run);
}
