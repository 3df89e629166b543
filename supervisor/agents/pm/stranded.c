#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "agents/common/findings.h"
#include "agents/pm/stranded.h"
#include "base/buf.h"
#include "store/stranded.h"

#define LISTED 10 /* tests in an alert */

struct search {
	struct agent *agent;
	const struct conf *conf; /* as the file is now, where it can be read */
	struct queue *queues;
	size_t n;
	struct queue **targets; /* room for n */
	struct findings findings;
};

/* A loop of another program may have no component. */
static bool
runs(const struct queue *q)
{
	return q->state[0] == '\0' ? strcmp(q->status, "stopped") != 0 &&
		strcmp(q->status, "error") != 0
				   : strcmp(q->state, "running") == 0 &&
		strcmp(q->wanted, "running") == 0 &&
		strcmp(q->circuit, "closed") == 0;
}

/* Also of another program's loop, of which nothing else is configured. */
static const struct component_config *
component_of(const struct conf *conf, const struct queue *q)
{
	for (size_t i = 0; i < conf->fleet.ncomponents; i++)
		if (strcmp(conf->components[i]->name, q->loop_id) == 0)
			return conf->components[i];
	return NULL;
}

/* It is tried again now and then, which changes nothing yet. What runs instead
 * of it, if anything, may work on its queue. */
static bool
has_failed(const struct component_config *c, const struct queue *q)
{
	return c->fallback.count == 0 && strcmp(q->wanted, "running") == 0 &&
	    q->circuit[0] != '\0' && strcmp(q->circuit, "closed") != 0;
}

/* Why nobody works on the queue; NULL when somebody does, or will. */
static const char *
reason(const struct conf *conf, const struct queue *q)
{
	const struct component_config *c = component_of(conf, q);

	if (runs(q))
		return NULL;
	if (c == NULL)
		return "isn't in the configuration any more";
	if (!c->enabled)
		return "is not enabled";
	return has_failed(c, q) ? "failed" : NULL;
}

/* Of a loop that isn't configured any more nobody knows where it worked: all
 * will do if they work at one place. */
static bool
works_there(const struct conf *conf, const char *loop_id, const char *other_id)
{
	const struct loop_config *loop = conf_loop(conf, loop_id);
	const struct loop_config *other = conf_loop(conf, other_id);

	if (loop == NULL)
		loop = &conf->loops[0];
	return other != NULL &&
	    strcmp(loop->repository, other->repository) == 0 &&
	    strcmp(loop->integration_branch, other->integration_branch) == 0;
}

static bool
is_one_place(const struct conf *conf)
{
	for (size_t i = 1; i < conf->nloops; i++)
		if (!works_there(
			conf, conf->loops[0].name, conf->loops[i].name))
			return false;
	return conf->nloops > 0;
}

/* The loops that can take its tests over, by priority. */
static size_t
find_targets(struct search *x, const struct queue *q)
{
	const struct conf *conf = x->conf;
	size_t n = 0;

	if (conf_loop(conf, q->loop_id) == NULL && !is_one_place(conf))
		return 0;
	for (size_t i = 0; i < x->n; i++)
		if (conf_has_loop(conf, x->queues[i].loop_id) &&
		    runs(&x->queues[i]) &&
		    works_there(conf, q->loop_id, x->queues[i].loop_id))
			x->targets[n++] = &x->queues[i];
	return n;
}

static int
say(struct search *x, const struct queue *q, const char *why, size_t ntargets)
{
	struct finding *f = findings_add(&x->findings);
	char tests[256];
	int listed;
	struct buf b;

	if (f == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (stranded_list(&x->agent->store, q->loop_id, LISTED, tests,
		sizeof(tests), &listed) < 0)
		return -1;
	f->type = "tests_stranded";
	(void)snprintf(f->cause, sizeof(f->cause), "stranded:%s", q->loop_id);
	(void)strlcpy(f->loop_id, q->loop_id, sizeof(f->loop_id));
	buf_init(&b, f->message, sizeof(f->message));
	buf_addf(&b, "%s %s, and %lld test%s wait%s for it: ", q->loop_id, why,
	    (long long)q->pending, q->pending == 1 ? "" : "s",
	    q->pending == 1 ? "s" : "");
	if (ntargets > 0)
		buf_addf(&b, "'loopkeeper move %s %s'", tests,
		    x->targets[0]->loop_id);
	else
		buf_addf(&b,
		    "no other loop is at work where they belong; they are %s",
		    tests);
	if (q->pending > listed) {
		buf_add(&b, ", and more: 'loopkeeper tests --loop ");
		buf_add_word(&b, q->loop_id);
		buf_add(&b, " --status pending'");
	}
	return 0;
}

/* 0, 1 there is more to move, -1. */
static int
settle(struct search *x, const struct queue *q)
{
	struct agent *a = x->agent;
	const char *why = q->pending > 0 ? reason(x->conf, q) : NULL;
	size_t ntargets;
	int moved;

	if (why == NULL)
		return 0;
	ntargets = find_targets(x, q);
	if (!x->conf->redistribute || ntargets == 0)
		return say(x, q, why, ntargets);
	moved =
	    stranded_move(&a->store, q->loop_id, x->targets, ntargets, a->name);
	if (moved > 0)
		log_line(&a->log, "%s %s: %d of its tests moved to others",
		    q->loop_id, why, moved);
	return moved < 0 ? -1 : moved == STRANDED_MOVE_MAX;
}

/* A reload that takes loops away is none of a PM's own configuration: the file
 * is read again, as long as there is a queue that nobody works on. */
static struct conf *
read_again(const struct search *x)
{
	struct conf *conf = NULL;
	bool wanted = false;
	FILE *errors;

	for (size_t i = 0; i < x->n; i++)
		wanted |= x->queues[i].pending > 0 && !runs(&x->queues[i]);
	errors = wanted ? fopen("/dev/null", "we") : NULL;
	if (errors == NULL)
		return NULL;
	conf = conf_load(x->agent->conf->fleet.config_path, errors);
	(void)fclose(errors);
	return conf;
}

static int
settle_all(struct search *x)
{
	bool is_more = false;

	x->targets = calloc(x->n + 1, sizeof(struct queue *));
	if (x->targets == NULL)
		return -1;
	for (size_t i = 0; i < x->n; i++) {
		int more = settle(x, &x->queues[i]);

		if (more < 0)
			return -1;
		is_more |= more > 0;
	}
	return findings_publish(
		   &x->findings, &x->agent->store, x->agent->name) < 0
	    ? -1
	    : is_more;
}

int
stranded_look(struct agent *a)
{
	struct search x = { .agent = a,
		.conf = a->conf,
		.findings = { .prefix = "stranded:" } };
	struct conf *conf;
	int result;

	if (stranded_queues(&a->store, &x.queues, &x.n) < 0)
		return -1;
	conf = read_again(&x);
	if (conf != NULL)
		x.conf = conf;
	result = settle_all(&x);
	findings_finish(&x.findings);
	conf_free(conf);
	free(x.targets);
	free(x.queues);
	return result;
}
