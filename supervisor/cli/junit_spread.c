#include <errno.h>
#include <stdlib.h>

#include "cli/junit_spread.h"

size_t
spread_add(struct spread *s, const char *directory, size_t loop)
{
	const json_t *known;
	void *groups;

	if (s->by_name == NULL && (s->by_name = json_object()) == NULL)
		goto exhausted;
	known = json_object_get(s->by_name, directory);
	if (known != NULL) {
		size_t i = (size_t)json_integer_value(known);

		s->groups[i].ntests++;
		return i;
	}
	groups = reallocarray(s->groups, s->n + 1, sizeof(s->groups[0]));
	if (groups == NULL)
		goto exhausted;
	s->groups = groups;
	if (json_object_set_new(
		s->by_name, directory, json_integer((json_int_t)s->n)) < 0)
		goto exhausted;
	s->groups[s->n] = (struct spread_group){ .ntests = 1, .loop = loop };
	return s->n++;
exhausted:
	errno = ENOMEM;
	return SPREAD_NOWHERE;
}

/* The largest first; those of one size as they came. */
static int
compare(const void *a, const void *b)
{
	const struct spread_group *x = *(struct spread_group *const *)a;
	const struct spread_group *y = *(struct spread_group *const *)b;

	if (x->ntests != y->ntests)
		return x->ntests > y->ntests ? -1 : 1;
	return (x > y) - (x < y);
}

static size_t
least(const int64_t *loads, size_t nloops)
{
	size_t best = 0;

	for (size_t i = 1; i < nloops; i++)
		if (loads[i] < loads[best])
			best = i;
	return best;
}

int
spread_settle(struct spread *s, int64_t *loads, size_t nloops)
{
	struct spread_group **sorted = calloc(s->n + 1, sizeof(*sorted));
	size_t n = 0;

	if (sorted == NULL)
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		struct spread_group *group = &s->groups[i];

		if (group->loop == SPREAD_NOWHERE)
			sorted[n++] = group;
		else
			loads[group->loop] += (int64_t)group->ntests;
	}
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 0; i < n; i++) {
		sorted[i]->loop = least(loads, nloops);
		loads[sorted[i]->loop] += (int64_t)sorted[i]->ntests;
	}
	free(sorted);
	return 0;
}

void
spread_free(struct spread *s)
{
	free(s->groups);
	json_decref(s->by_name);
	*s = (struct spread){ .n = 0 };
}
