#include <stdlib.h>
#include <string.h>

#include "cli/database.h"
#include "cli/queue_tests.h"

int
queue_tests_begin(struct store *s)
{
	int begun;

	while ((begun = store_begin(s)) == 1)
		continue;
	return begun < 0 ? database_error(s) : CLI_DONE;
}

int
queue_tests_add(struct queue_tests *tests, const struct cli *cli,
    struct store *s, const char *word)
{
	void *items =
	    reallocarray(tests->items, tests->n + 1, sizeof(tests->items[0]));
	struct queue_test *t;
	int code;

	if (items == NULL)
		return cli_error(CLI_FAILED, "out of memory");
	tests->items = items;
	t = &tests->items[tests->n];
	code = ids_find(cli, s, IDS_TEST, word, t->id);
	if (code != CLI_DONE)
		return code;
	for (size_t i = 0; i < tests->n; i++)
		if (strcmp(tests->items[i].id, t->id) == 0)
			return cli_error(CLI_USAGE, "%s is named twice", t->id);
	if (queries_place(s, t->id, &t->place) < 0)
		return database_error(s);
	tests->n++;
	return CLI_DONE;
}

int
queue_tests_end(struct store *s, int code, bool dry_run)
{
	if (code == CLI_DONE && !dry_run)
		return store_commit(s) < 0 ? database_error(s) : CLI_DONE;
	store_rollback(s);
	return code;
}

void
queue_tests_free(struct queue_tests *tests)
{
	free(tests->items);
	*tests = (struct queue_tests){ .n = 0 };
}
