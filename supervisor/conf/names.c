/*
 * What the names of components say together: each stands once, `after` names
 * some of them, and nothing is after itself by any way.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/load.h"

enum mark { UNSEEN, ON_THE_WAY, DONE };

struct names {
	struct load *l;
	size_t *sorted; /* places in l->members, by name, then by place */
	enum mark *marks;
	size_t *way; /* members from the first to the one looked at */
	size_t nway;
};

static const char *
name_of(const struct load *l, size_t i)
{
	return l->members[i].config->name;
}

static int
compare(const void *a, const void *b, void *data)
{
	const struct load *l = data;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int order = strcmp(name_of(l, x), name_of(l, y));

	return order != 0 ? order : x < y ? -1 : 1;
}

/* The member of that name, or SIZE_MAX. */
static size_t
find(const struct names *n, const char *name)
{
	size_t low = 0, high = n->l->nmembers;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(name_of(n->l, n->sorted[middle]), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < n->l->nmembers &&
	    strcmp(name_of(n->l, n->sorted[low]), name) == 0)
		return n->sorted[low];
	return SIZE_MAX;
}

static void
check_doubles(const struct names *n)
{
	struct load *l = n->l;

	for (size_t i = 1; i < l->nmembers; i++) {
		const struct member *one = &l->members[n->sorted[i - 1]];
		const struct member *two = &l->members[n->sorted[i]];

		if (two->config->name[0] == '\0' ||
		    strcmp(one->config->name, two->config->name) != 0)
			continue;
		if (two->config->housekeeping)
			fault_add(&l->faults, one->at,
			    "%s: loopkeeper's own component has this name: "
			    "take another",
			    one->config->name);
		else
			fault_add(&l->faults, two->at,
			    "%s: the name is taken: %s:%u has it already",
			    two->config->name, one->at.source->shown,
			    one->at.line);
	}
}

static void
unknown_name(struct load *l, const struct member *m, uint32_t i)
{
	const char *name = draft_word(&m->after, i);
	const char **all = calloc(l->nmembers, sizeof(*all));
	const char *nearest = NULL;
	size_t n = 0;

	for (size_t j = 0; all != NULL && j < l->nmembers; j++)
		if (&l->members[j] != m && name_of(l, j)[0] != '\0')
			all[n++] = name_of(l, j);
	if (n > 0)
		nearest = text_nearest(name, all, n);
	fault_add(&l->faults, draft_place(&m->after, i),
	    "%s: after: there is no component \"%.60s\"%s%s%s", m->after.owner,
	    name, nearest != NULL ? ": did you mean \"" : "",
	    nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
	free(all);
}

/* The way from member i back to itself. */
static void
report_circle(const struct names *n, size_t i)
{
	const struct member *m = &n->l->members[i];
	char data[512];
	struct buf text;
	size_t from = 0;

	while (n->way[from] != i)
		from++;
	buf_init(&text, data, sizeof(data));
	for (; from < n->nway; from++)
		buf_addf(&text, "%s after ", name_of(n->l, n->way[from]));
	buf_add(&text, m->config->name);
	fault_add(&n->l->faults, m->after.at,
	    "%s: after: a circle, none of them could start: %s", m->after.owner,
	    data);
}

static void
visit(struct names *n, size_t i)
{
	const struct member *m = &n->l->members[i];
	const struct component_config *c = m->config;

	n->marks[i] = ON_THE_WAY;
	n->way[n->nway++] = i;
	for (uint32_t k = 0; k < c->after.count; k++) {
		size_t next = find(n, config_item(c, c->after, k));

		if (next == SIZE_MAX) {
			/* It may stand in a file that couldn't be read. */
			if (!n->l->sources.broken)
				unknown_name(n->l, m, k);
		} else if (n->marks[next] == ON_THE_WAY) {
			report_circle(n, next);
		} else if (n->marks[next] == UNSEEN) {
			visit(n, next);
		}
	}
	n->nway--;
	n->marks[i] = DONE;
}

int
load_check_names(struct load *l)
{
	size_t count = l->nmembers + 1;
	struct names n = { .l = l,
		.sorted = arena_alloc(&l->scratch, count * sizeof(size_t)),
		.marks = arena_alloc(&l->scratch, count * sizeof(enum mark)),
		.way = arena_alloc(&l->scratch, count * sizeof(size_t)) };

	if (n.sorted == NULL || n.marks == NULL || n.way == NULL)
		return -1;
	for (size_t i = 0; i < l->nmembers; i++)
		n.sorted[i] = i;
	qsort_r(n.sorted, l->nmembers, sizeof(*n.sorted), compare, l);
	check_doubles(&n);
	for (size_t i = 0; i < l->nmembers; i++)
		if (n.marks[i] == UNSEEN)
			visit(&n, i);
	return 0;
}
