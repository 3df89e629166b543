#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/texts.h"
#include "store/attempts.h"
#include "store/deadlocks.h"
#include "store/edges.h"
#include "store/expiry.h"
#include "store/force.h"
#include "store/locks.h"
#include "store/note.h"
#include "store/overlap.h"
#include "store/statement.h"

/* Edges that count, in an order that is always the same. */
static const char edges[] =
    "SELECT w.waiter, w.holder, w.resource,"
    " strftime('%Y-%m-%dT%H:%M:%fZ', w.waiting_since) FROM wait_graph w"
    " WHERE " EDGE_IS_LIVE(
	"?1") " AND (ifnull(w.test_id, '') = '' OR EXISTS (SELECT 1 FROM "
	      "attempts a"
	      " WHERE a.loop_id = w.waiter AND a.test_id = w.test_id"
	      " AND a.ended_at IS NULL"
	      " AND a.state IN ('claimed', 'spawning', 'running')))"
	      " ORDER BY w.waiter, w.holder, w.resource";

/* Who ranks lower comes first; the rest is for ties. */
static const char victims[] =
    "SELECT ifnull(l.priority, 1000000), julianday(ifnull(a.started_at,"
    " (SELECT max(w.waiting_since) FROM wait_graph w WHERE w.waiter = "
    "n.name))),"
    " a.test_id FROM (SELECT ?1 AS name) n LEFT JOIN loops l ON l.id = n.name"
    " LEFT JOIN attempts a ON a.loop_id = n.name AND a.ended_at IS NULL"
    " ORDER BY a.started_at DESC LIMIT 1";

enum mark { UNSEEN, ON_WAY, DONE, GONE };

struct node {
	const char *name; /* one of texts */
	enum mark mark;
	size_t first; /* of its edges; they lie together */
	size_t n;
};

struct arc {
	size_t from, to;
	const char *resource; /* one of texts; so */
	const char *since;
};

struct graph {
	struct node *nodes;
	size_t nnodes;
	struct arc *arcs;
	size_t narcs;
	size_t *way; /* arcs from where the search began; room for narcs */
	size_t nway;
	struct texts texts;
	bool failed; /* out of memory */
};

static size_t
node_of(struct graph *g, const char *name)
{
	struct node *more;

	for (size_t i = 0; i < g->nnodes; i++)
		if (strcmp(g->nodes[i].name, name) == 0)
			return i;
	more = reallocarray(g->nodes, g->nnodes + 1, sizeof(*more));
	if (more == NULL) {
		g->failed = true;
		return 0;
	}
	g->nodes = more;
	more[g->nnodes] = (struct node){ .name = texts_add(&g->texts, name) };
	g->failed |= g->texts.failed;
	return g->nnodes++;
}

static void
add_arc(struct graph *g, const char *waiter, const char *holder,
    const char *resource, const char *since)
{
	size_t from = node_of(g, waiter),
	       to = g->failed ? 0 : node_of(g, holder);
	struct arc *more = g->failed
	    ? NULL
	    : reallocarray(g->arcs, g->narcs + 1, sizeof(*more));

	if (more == NULL) {
		g->failed = true;
		return;
	}
	g->arcs = more;
	more[g->narcs] = (struct arc){ from, to, texts_add(&g->texts, resource),
		texts_add(&g->texts, since) };
	g->failed |= g->texts.failed;
	if (g->nodes[from].n++ == 0)
		g->nodes[from].first = g->narcs;
	g->narcs++;
}

static void
free_graph(struct graph *g)
{
	texts_free(g->texts.items);
	free(g->nodes);
	free(g->arcs);
	free(g->way);
}

static int
read_graph(struct store *s, struct graph *g)
{
	const char *waiter, *holder, *resource, *since;
	char now[CLOCK_ISO_SIZE];
	struct sqlite3_stmt *q;
	int more = 0;

	if (overlap_register(s) < 0)
		return -1;
	expiry_format(s, now, 0);
	q = statement_query(s, edges, "t", now);
	while (!g->failed &&
	    (more = statement_row(
		 s, q, "tttt", &waiter, &holder, &resource, &since)) == 1)
		add_arc(g, waiter, holder, resource, since);
	statement_end(q);
	g->way = calloc(g->narcs + 1, sizeof(*g->way));
	if (g->failed || g->way == NULL)
		return store_refuse(s, ENOMEM, "out of memory");
	return more;
}

/* Follows the arcs of a node. If true, those from way[*ret_start] on are a
 * circle. */
static bool
follow(struct graph *g, size_t at, size_t *ret_start)
{
	struct node *node = &g->nodes[at];

	node->mark = ON_WAY;
	for (size_t i = node->first; i < node->first + node->n; i++) {
		struct node *next = &g->nodes[g->arcs[i].to];

		if (next->mark == DONE || next->mark == GONE)
			continue;
		g->way[g->nway++] = i;
		if (next->mark == ON_WAY) {
			*ret_start = g->nway;
			while (
			    g->arcs[g->way[--*ret_start]].from != g->arcs[i].to)
				continue;
			return true;
		}
		if (follow(g, g->arcs[i].to, ret_start))
			return true;
		g->nway--;
	}
	node->mark = DONE;
	return false;
}

/* The next circle: *ret_ring is its first arc's place in way. */
static bool
find_ring(struct graph *g, size_t *ret_ring)
{
	g->nway = 0;
	for (size_t i = 0; i < g->nnodes; i++)
		if (g->nodes[i].mark != GONE)
			g->nodes[i].mark = UNSEEN;
	for (size_t i = 0; i < g->nnodes; i++)
		if (g->nodes[i].mark == UNSEEN && follow(g, i, ret_ring))
			return true;
	return false;
}

/* To be freed. NULL when there is no memory. */
static char *
describe(const struct graph *g, size_t ring)
{
	size_t n = g->nway - ring, first = 0, size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	const char *name;

	if (out == NULL)
		return NULL;
	/* It begins with the same one wherever the search did. */
	for (size_t i = 1; i < n; i++)
		if (strverscmp(g->nodes[g->arcs[g->way[ring + i]].from].name,
			g->nodes[g->arcs[g->way[ring + first]].from].name) < 0)
			first = i;
	name = g->nodes[g->arcs[g->way[ring + first]].from].name;
	(void)fputs(name, out);
	for (size_t i = 0; i < n; i++) {
		const struct arc *arc =
		    &g->arcs[g->way[ring + (first + i) % n]];

		(void)fprintf(
		    out, " -(%s)-> %s", arc->resource, g->nodes[arc->to].name);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

struct rank {
	int64_t priority;
	double since;
	char test_id[ATTEMPT_TEST_SIZE];
};

static bool
ranks_below(const struct rank *a, const struct rank *b)
{
	return a->priority != b->priority ? a->priority > b->priority
					  : a->since > b->since;
}

/* Who lets go: 0 with the node and what it is at, -1. */
static int
choose(struct store *s, const struct graph *g, size_t ring, size_t *ret_node,
    struct rank *ret)
{
	for (size_t i = ring; i < g->nway; i++) {
		size_t node = g->arcs[g->way[i]].from;
		struct rank rank = { 0 };

		if (statement_get(s, victims, "t>ids", g->nodes[node].name,
			&rank.priority, &rank.since, rank.test_id,
			sizeof(rank.test_id)) < 0)
			return -1;
		if (i > ring && !ranks_below(&rank, ret))
			continue;
		*ret = rank;
		*ret_node = node;
	}
	return 0;
}

/* When the circle was closed. */
static const char *
find_since(const struct graph *g, size_t ring)
{
	const char *since = "";

	for (size_t i = ring; i < g->nway; i++)
		if (strcmp(g->arcs[g->way[i]].since, since) > 0)
			since = g->arcs[g->way[i]].since;
	return since;
}

static int
tell(struct store *s, struct graph *g, size_t ring,
    int (*each)(const struct deadlock *, void *), void *argument)
{
	struct rank rank;
	size_t node = 0;
	char *cycle;
	int result;

	if (choose(s, g, ring, &node, &rank) < 0)
		return -1;
	cycle = describe(g, ring);
	if (cycle == NULL)
		return store_refuse(s, ENOMEM, "out of memory");
	result = each(&(struct deadlock){ .cycle = cycle,
			  .victim = g->nodes[node].name,
			  .test_id = rank.test_id,
			  .since = find_since(g, ring) },
	    argument);
	g->nodes[node].mark = GONE;
	free(cycle);
	return result;
}

int
deadlocks_each(struct store *s,
    int (*each)(const struct deadlock *deadlock, void *argument),
    void *argument)
{
	struct graph g = { 0 };
	int result = read_graph(s, &g);
	size_t ring;

	while (result == 0 && find_ring(&g, &ring))
		result = tell(s, &g, ring, each, argument);
	free_graph(&g);
	return result;
}

struct resolving {
	struct store *store;
	const char *by;
	int n;
};

static int
resolve(const struct deadlock *d, void *argument)
{
	struct resolving *r = argument;
	struct store *s = r->store;
	char why[STORE_ERROR_SIZE];
	struct force_released released;

	(void)snprintf(why, sizeof(why), "a deadlock, %s", d->cycle);
	if (note_event(s, r->by, "deadlock_detected", "tttt", "component",
		r->by, "cycle", d->cycle, "victim", d->victim, "test_id",
		d->test_id) < 0 ||
	    force_release_within(s, d->victim, r->by, why, &released) < 0 ||
	    note_event(s, r->by, "deadlock_resolved", "tttt", "component",
		r->by, "cycle", d->cycle, "victim", d->victim, "test_id",
		d->test_id) < 0)
		return -1;
	r->n++;
	return 0;
}

int
deadlocks_resolve_within(struct store *s, const char *by)
{
	struct resolving r = { .store = s, .by = by };

	return deadlocks_each(s, resolve, &r) < 0 ? -1 : r.n;
}

static int
stop_at_once(const struct deadlock *d, void *argument)
{
	(void)d;
	(void)argument;
	return 1;
}

int
deadlocks_resolve(struct store *s, const char *by)
{
	int found = deadlocks_each(s, stop_at_once, NULL);

	/* Nothing is locked as long as there is nothing to do. */
	if (found <= 0)
		return found;
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, deadlocks_resolve_within(s, by));
}
