#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/texts.h"
#include "cli/database.h"
#include "cli/print.h"
#include "cli/rollback_checks.h"
#include "store/overlap.h"
#include "store/queries_tests.h"

struct picking {
	const struct rolling *r;
	struct rollback_checks *checks;
	json_t *changed; /* paths */
};

static void
note_change(const struct repository_change *change, void *argument)
{
	(void)json_array_append_new(argument, print_json_text(change->path));
}

/* Whether one of the patterns may mean one of the paths that change. */
static bool
is_touched(const struct picking *p, const char *files)
{
	json_t *patterns = json_loads(files, 0, NULL);
	const json_t *pattern, *path;
	bool touched = false;
	size_t i, j;

	json_array_foreach(patterns, i, pattern)
	{
		json_array_foreach(p->changed, j, path)
		{
			touched = touched ||
			    (json_is_string(pattern) &&
				overlap_patterns(json_string_value(pattern),
				    json_string_value(path)));
		}
	}
	json_decref(patterns);
	return touched;
}

/* Whether the test will be pending when all is done. */
static bool
is_undone(const struct rolling *r, const char *test)
{
	for (size_t i = 0; i < r->ncommits; i++)
		if ((!r->commits[i].reverted || r->commits[i].left) &&
		    !r->commits[i].passed_since &&
		    strcmp(r->commits[i].test, test) == 0)
			return true;
	return false;
}

static bool
is_same_branch(const struct rolling *r, const char *loop)
{
	const struct loop_config *other = conf_loop(r->conf, loop);

	return other != NULL &&
	    strcmp(other->repository, r->config->repository) == 0 &&
	    strcmp(other->integration_branch, r->config->integration_branch) ==
	    0;
}

/* Returns NULL without memory. */
static struct rollback_check *
add(struct picking *p, const struct test_row *t)
{
	struct rollback_checks *all = p->checks;
	struct rollback_check *c;

	c = reallocarray(all->items, all->n + 1, sizeof(*all->items));
	if (c == NULL)
		return NULL;
	all->items = c;
	c += all->n++;
	*c = (struct rollback_check){ 0 };
	c->id = texts_add(&all->texts, t->id);
	c->loop = texts_add(&all->texts, t->loop_id);
	c->verify = texts_add(&all->texts, t->verify);
	c->passed_at = texts_add(&all->texts, t->passed_at);
	return all->texts.failed ? NULL : c;
}

static int
consider(const struct test_row *t, void *argument)
{
	struct picking *p = argument;
	struct rollback_check *c;

	if (t->verify[0] == '\0' || !is_same_branch(p->r, t->loop_id) ||
	    is_undone(p->r, t->id))
		return 0;
	c = add(p, t);
	if (c != NULL)
		c->touched = is_touched(p, t->files);
	return c == NULL;
}

static int
consider_undo(const struct test_row *t, void *argument)
{
	struct rollback_check *c;

	if (t->verify[0] == '\0')
		return 0;
	c = add(argument, t);
	if (c != NULL)
		c->touched = c->fails = true;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct rollback_check *x = a, *y = b;

	return x->touched != y->touched ? y->touched - x->touched
					: strcmp(y->passed_at, x->passed_at);
}

void
rollback_checks_free(struct rollback_checks *checks)
{
	texts_free(checks->texts.items);
	free(checks->items);
	*checks = (struct rollback_checks){ 0 };
}

int
rollback_checks_pick(struct rolling *r, struct rollback_checks *ret)
{
	struct picking p = { .r = r, .checks = ret, .changed = json_array() };
	size_t keep = (size_t)r->config->recheck;
	int result;

	*ret = (struct rollback_checks){ 0 };
	if (repository_changes(
		&r->git, r->tip, r->new, note_change, p.changed) < 0) {
		json_decref(p.changed);
		return cli_error(CLI_FAILED, "%s", r->git.error);
	}
	result = queries_each_test(r->store, NULL, "passed", consider, &p);
	if (result == 0 && r->undo[0] != '\0' &&
	    queries_test(r->store, r->commits[0].test, consider_undo, &p) < 0)
		result = -1;
	json_decref(p.changed);
	if (result == 0 && ret->texts.failed)
		result = 1;
	if (result != 0)
		return result < 0 ? database_error(r->store)
				  : cli_error(CLI_FAILED, "out of memory");
	if (ret->n > 0)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare);
	for (size_t i = 0; i < ret->n && ret->items[i].touched; i++)
		keep++;
	if (keep < ret->n)
		ret->n = keep;
	return CLI_DONE;
}
