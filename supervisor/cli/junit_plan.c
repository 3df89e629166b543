#include <stdlib.h>
#include <string.h>

#include "cli/database.h"
#include "cli/junit_plan.h"
#include "model/config.h"
#include "store/claims.h"
#include "store/queries_queue.h"

/* Whether the configuration starts the loop at all. */
static bool
is_enabled(const struct conf *conf, const char *loop)
{
	for (uint32_t i = 0; i < conf->fleet.ncomponents; i++)
		if (strcmp(conf->components[i]->name, loop) == 0)
			return conf->components[i]->enabled;
	return false;
}

static int
add_loops(struct junit_plan *p, const struct conf *conf, const char *loop)
{
	if (loop != NULL)
		return names_add(&p->loops, loop) < 0
		    ? cli_error(CLI_FAILED, "out of memory")
		    : CLI_DONE;
	for (size_t i = 0; conf != NULL && i < conf->nloops; i++)
		if (is_enabled(conf, conf->loops[i].name) &&
		    names_add(&p->loops, conf->loops[i].name) < 0)
			return cli_error(CLI_FAILED, "out of memory");
	if (p->loops.n > 0)
		return CLI_DONE;
	return cli_error(CLI_FAILED, "%s; --loop LOOP says whose they are",
	    conf == NULL ? "the configuration has faults, which "
			   "'loopkeeper check-config' names"
			 : "the configuration has no loop for the tests");
}

/* What each loop has to do before. */
static int
add_loads(struct junit_plan *p, struct store *s)
{
	p->loads = calloc(p->loops.n, sizeof(p->loads[0]));
	if (p->loads == NULL)
		return cli_error(CLI_FAILED, "out of memory");
	for (size_t i = 0; i < p->loops.n; i++) {
		struct claim_counts counts;

		if (claims_count(s, p->loops.items[i], &counts) < 0)
			return database_error(s);
		p->loads[i] = counts.pending + counts.in_progress;
	}
	return CLI_DONE;
}

/* The first loop of each category is the one that has most of it. */
static int
add_home(const char *category, const char *loop_id, void *argument)
{
	json_t *homes = argument;

	return json_object_get(homes, category) == NULL &&
	    json_object_set_new(homes, category, json_string(loop_id)) < 0;
}

/* Index of the loop whose a directory is; SPREAD_NOWHERE: nobody's, or of one
 * that may have no tests. */
static size_t
home_of(const struct junit_plan *p, const json_t *homes, const char *directory)
{
	const char *loop = json_string_value(json_object_get(homes, directory));

	for (size_t i = 0; loop != NULL && i < p->loops.n; i++)
		if (strcmp(p->loops.items[i], loop) == 0)
			return i;
	return p->loops.n == 1 ? 0 : SPREAD_NOWHERE;
}

/* Whether two cases of one id are one. */
static bool
are_one(const struct junit_case *a, const struct junit_case *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->file, b->file) == 0 &&
	    strcmp(a->class_name, b->class_name) == 0;
}

/* What the case is; or -1 after an error. */
static int
kind_of(struct store *s, const struct junit_report *report, json_t *seen,
    size_t i, const char *id)
{
	const json_t *first = json_object_get(seen, id);
	struct queue_place place;
	int found;

	if (first != NULL) {
		size_t other = (size_t)json_integer_value(first);

		if (are_one(&report->cases[i], &report->cases[other]))
			return PLANNED_AGAIN;
		(void)cli_error(CLI_FAILED,
		    "the cases of lines %zu and %zu would both be test %s: "
		    "rename one of them",
		    report->cases[other].line, report->cases[i].line, id);
		return -1;
	}
	if (json_object_set_new(seen, id, json_integer((json_int_t)i)) < 0) {
		(void)cli_error(CLI_FAILED, "out of memory");
		return -1;
	}
	found = queries_place(s, id, &place);
	if (found < 0)
		(void)database_error(s);
	if (found <= 0)
		return found < 0 ? -1 : PLANNED_NEW;
	return strcmp(place.status, "passed") == 0 ? PLANNED_PASSED
						   : PLANNED_OLD;
}

static int
add_case(struct junit_plan *p, struct store *s,
    const struct junit_report *report, json_t *seen, const json_t *homes,
    size_t i)
{
	struct planned *planned = &p->tests[i];
	char directory[JUNIT_PATH_SIZE];
	int kind;

	junit_case_id(&report->cases[i], planned->id);
	kind = kind_of(s, report, seen, i, planned->id);
	if (kind < 0)
		return CLI_FAILED;
	planned->kind = (enum planned_kind)kind;
	p->counts[kind]++;
	if (kind != PLANNED_NEW)
		return CLI_DONE;
	junit_case_directory(&report->cases[i], directory);
	/* One that is nowhere is near no other. */
	planned->group = spread_add(&p->spread,
	    directory[0] != '\0' ? directory : planned->id,
	    home_of(p, homes, directory));
	return planned->group == SPREAD_NOWHERE
	    ? cli_error(CLI_FAILED, "out of memory")
	    : CLI_DONE;
}

static int
add_cases(
    struct junit_plan *p, struct store *s, const struct junit_report *report)
{
	json_t *seen, *homes;
	int code = CLI_DONE;

	p->tests = calloc(report->n + 1, sizeof(p->tests[0]));
	if (p->tests == NULL)
		return cli_error(CLI_FAILED, "out of memory");
	seen = json_object();
	homes = json_object();
	if (seen == NULL || homes == NULL)
		code = cli_error(CLI_FAILED, "out of memory");
	else if (queries_each_category(s, add_home, homes) != 0)
		code = database_error(s);
	for (size_t i = 0; i < report->n && code == CLI_DONE; i++)
		code = add_case(p, s, report, seen, homes, i);
	json_decref(seen);
	json_decref(homes);
	return code;
}

int
junit_plan_make(struct junit_plan *ret, struct store *s,
    const struct conf *conf, const struct junit_report *report,
    const char *loop)
{
	int code;

	*ret = (struct junit_plan){ .tests = NULL };
	code = add_loops(ret, conf, loop);
	if (code == CLI_DONE)
		code = add_loads(ret, s);
	if (code == CLI_DONE)
		code = add_cases(ret, s, report);
	if (code == CLI_DONE &&
	    spread_settle(&ret->spread, ret->loads, ret->loops.n) < 0)
		code = cli_error(CLI_FAILED, "out of memory");
	return code;
}

void
junit_plan_free(struct junit_plan *p)
{
	free(p->tests);
	free(p->loads);
	names_free(&p->loops);
	spread_free(&p->spread);
	*p = (struct junit_plan){ .tests = NULL };
}
