#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "agents/common/findings.h"
#include "agents/pm/dead_ends.h"
#include "base/buf.h"
#include "store/dependencies.h"

static void
say_what_to_do(struct buf *b, const struct dead_end *end)
{
	bool is_missing = strcmp(end->status, "missing") == 0;

	buf_add(b,
	    is_missing ? "add it with 'loopkeeper add " : "'loopkeeper reset ");
	buf_add_word(b, end->test_id);
	buf_add(b, is_missing ? "'" : "' has it tried again");
	buf_add(b,
	    ", 'loopkeeper depends TEST none' lets one go on without it, "
	    "'loopkeeper skip TEST' gives one up");
}

static void
say_dead_end(const struct dead_end *end, void *argument)
{
	struct finding *f = findings_add(argument);
	struct buf b;

	if (f == NULL)
		return;
	f->type = "dependency_dead_end";
	(void)snprintf(f->cause, sizeof(f->cause), "dependency:%s:%s",
	    end->status, end->test_id);
	(void)strlcpy(f->test_id, end->test_id, sizeof(f->test_id));
	(void)strlcpy(f->loop_id, end->loop_id, sizeof(f->loop_id));
	buf_init(&b, f->message, sizeof(f->message));
	buf_addf(&b, "%s%s wait%s for %s, which is %s: ", end->waiting,
	    end->n > 5 ? ", ..." : "", end->n == 1 ? "s" : "", end->test_id,
	    end->status);
	say_what_to_do(&b, end);
}

/* ---- cycles ---- */

struct link {
	char id[ATTEMPT_TEST_SIZE];
	char depends_on[ATTEMPT_TEST_SIZE];
	size_t walk; /* in which it was first met, from 1 on; 0: in none */
};

struct chain {
	struct link *links; /* by id */
	size_t n;
	size_t room;
	bool failed;
};

static void
keep(const char *test_id, const char *depends_on, void *argument)
{
	struct chain *c = argument;

	if (c->n == c->room) {
		size_t room = c->room > 0 ? 2 * c->room : 16;
		struct link *grown =
		    reallocarray(c->links, room, sizeof(*grown));

		if (grown == NULL) {
			c->failed = true;
			return;
		}
		c->links = grown;
		c->room = room;
	}
	c->links[c->n] = (struct link){ 0 };
	(void)strlcpy(c->links[c->n].id, test_id, ATTEMPT_TEST_SIZE);
	(void)strlcpy(c->links[c->n].depends_on, depends_on, ATTEMPT_TEST_SIZE);
	c->n++;
}

static int
compare(const void *id, const void *link)
{
	return strcmp(id, ((const struct link *)link)->id);
}

static struct link *
next(const struct chain *c, const struct link *l)
{
	return bsearch(
	    l->depends_on, c->links, c->n, sizeof(*c->links), compare);
}

/* The cycle is told from its first test on, whichever it was found by. */
static void
say_cycle(struct findings *list, const struct chain *c, const struct link *any)
{
	const struct link *first = any, *l = any;
	struct finding *f = findings_add(list);
	struct buf b;

	if (f == NULL)
		return;
	while ((l = next(c, l)) != any)
		if (strcmp(l->id, first->id) < 0)
			first = l;
	f->type = "dependency_cycle";
	(void)snprintf(
	    f->cause, sizeof(f->cause), "dependency:cycle:%s", first->id);
	(void)strlcpy(f->test_id, first->id, sizeof(f->test_id));
	buf_init(&b, f->message, sizeof(f->message));
	buf_addf(&b, "none of these can begin, each waits for the next: %s",
	    first->id);
	l = first;
	/* As much of a long one as leaves room for what to do. */
	while ((l = next(c, l)) != first && b.len < sizeof(f->message) / 2)
		buf_addf(&b, " -> %s", l->id);
	buf_addf(&b,
	    " -> %s%s: 'loopkeeper depends TEST none' frees one of them",
	    l != first ? "... -> " : "", first->id);
}

static void
say_cycles(struct findings *list, struct chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct link *l = &c->links[i];

		for (; l != NULL && l->walk == 0; l = next(c, l))
			l->walk = i + 1;
		/* Back on its own track. */
		if (l != NULL && l->walk == i + 1)
			say_cycle(list, c, l);
	}
}

static int
look(struct store *s, struct findings *list, struct chain *c)
{
	if (dependencies_dead_ends(s, say_dead_end, list) < 0 ||
	    dependencies_circular(s, keep, c) < 0)
		return -1;
	say_cycles(list, c);
	if (!c->failed && !list->failed)
		return 0;
	errno = ENOMEM;
	return -1;
}

int
dead_ends_look(struct store *s, const char *by)
{
	struct findings list = { .prefix = "dependency:" };
	struct chain c = { 0 };
	int result = look(s, &list, &c);

	if (result == 0)
		result = findings_publish(&list, s, by);
	findings_finish(&list);
	free(c.links);
	return result;
}
