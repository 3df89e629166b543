#include <string.h>

#include <bsd/string.h>

#include "agents/loop/runner.h"
#include "agents/loop/waits.h"
#include "base/buf.h"
#include "store/edges.h"
#include "store/locks.h"

static void
note_conflict(const struct locks_conflict *lock, void *argument)
{
	struct buf *b = argument;

	if (b->len == 0)
		buf_addf(b, "it changed %s, which %s has locked%s%s",
		    lock->path, lock->loop_id,
		    lock->test_id[0] != '\0' ? " for " : "", lock->test_id);
}

int
waits_ask(struct runner *r, const struct texts *paths,
    char ret_detail[static ATTEMPT_DETAIL_SIZE])
{
	struct buf b;

	buf_init(&b, ret_detail, ATTEMPT_DETAIL_SIZE);
	return paths->n == 0 ? 0
			     : locks_of_others(&r->agent.store, r->agent.name,
				   paths->items, note_conflict, &b);
}

void
waits_add(struct runner *r, char **paths)
{
	struct waits *w = &r->waits;
	const char *test_id = r->claim.key.test_id;
	size_t at = WAITS_MAX;

	for (size_t i = 0; i < WAITS_MAX; i++)
		if (w->all[i].paths == NULL ||
		    strcmp(w->all[i].test_id, test_id) == 0)
			at = i;
	if (at == WAITS_MAX) {
		texts_free(paths);
		return;
	}
	texts_free(w->all[at].paths);
	w->all[at].paths = paths;
	(void)strlcpy(w->all[at].test_id, test_id, sizeof(w->all[at].test_id));
}

static void
pass_over(const struct locks_conflict *lock, void *argument)
{
	(void)lock;
	(void)argument;
}

const char *const *
waits_tests(struct runner *r)
{
	struct waits *w = &r->waits;
	size_t n = 0;

	for (size_t i = 0; i < WAITS_MAX; i++) {
		if (w->all[i].paths == NULL)
			continue;
		if (locks_of_others(&r->agent.store, r->agent.name,
			w->all[i].paths, pass_over, NULL) == 0) {
			texts_free(w->all[i].paths);
			w->all[i].paths = NULL;
		} else {
			w->tests[n++] = w->all[i].test_id;
		}
	}
	w->tests[n] = NULL;
	return w->tests;
}

/* What a test with a candidate waits for. */
struct adding {
	struct edges *edges;
	const char *test_id;
};

static void
add_edge(const struct locks_conflict *lock, void *argument)
{
	const struct adding *adding = argument;

	edges_add(adding->edges, lock->loop_id, lock->path, adding->test_id);
}

int
waits_publish(struct runner *r, bool locked)
{
	struct store *s = &r->agent.store;
	struct edges edges = { .n = 0 };

	for (size_t i = 0; locked && i < WAITS_MAX; i++) {
		struct adding adding = { &edges, r->waits.all[i].test_id };

		if (r->waits.all[i].paths != NULL &&
		    locks_of_others(s, r->agent.name, r->waits.all[i].paths,
			add_edge, &adding) < 0)
			return -1;
	}
	if (locked && edges_add_queue(s, r->agent.name, &edges) < 0)
		return -1;
	return edges_write(s, r->agent.name, &edges);
}

void
waits_end_worker(struct runner *r)
{
	if (agent_database(&r->agent) == 0 &&
	    edges_end(&r->agent.store, r->agent.name, NULL) < 0)
		agent_failed(&r->agent, "ending what a worker waited for");
}

void
waits_free(struct waits *w)
{
	for (size_t i = 0; i < WAITS_MAX; i++)
		texts_free(w->all[i].paths);
}
