#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agents/common/transcript.h"
#include "agents/loop/gate.h"
#include "agents/loop/task.h"
#include "store/locks.h"

#define LOCKS_MAX 50 /* told to a worker */

const struct worker_preset *
task_preset(const struct runner *r)
{
	if (r->claim.worker[0] != '\0')
		return NULL;
	return r->is_second ? r->config->second_preset : r->config->preset;
}

void
task_choose_worker(struct runner *r)
{
	const struct loop_config *c = r->config;
	const char *cause =
	    r->claim.by_second ? "as decided" : "same failure twice";
	char why[GATE_TEXT_SIZE];

	r->is_second = false;
	if ((!r->claim.in_vain && !r->claim.by_second) ||
	    c->second_worker[0] == NULL || r->claim.worker[0] != '\0')
		return;
	r->is_second =
	    c->second_preset == NULL || gate_change(r, c->second_preset, why);
	if (r->is_second)
		transcript_note(
		    r->transcript_fd, "%s: by the second worker", cause);
	else
		transcript_note(r->transcript_fd,
		    "%s, but by the first worker again: %s", cause, why);
}

/* A JSON array of patterns as lines; NULL for none. */
static char *
list_lines(const char *json_text)
{
	json_t *json = json_loads(json_text, 0, NULL), *item;
	char *text = NULL;
	size_t len = 0, i;
	FILE *out = open_memstream(&text, &len);

	json_array_foreach(json, i, item)
	{
		if (out != NULL && json_is_string(item))
			(void)fprintf(out, "%s%s", i > 0 ? "\n" : "",
			    json_string_value(item));
	}
	json_decref(json);
	if (out == NULL || fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

struct listing {
	FILE *out; /* NULL: out of memory */
	size_t n;
};

static void
list_lock(const struct locks_conflict *lock, void *argument)
{
	struct listing *l = argument;

	if (l->out != NULL && l->n++ < LOCKS_MAX)
		(void)fprintf(l->out, "%s%s (%s%s%s)", l->n > 1 ? "\n" : "",
		    lock->path, lock->loop_id,
		    lock->test_id[0] != '\0' ? ", " : "", lock->test_id);
}

/* What other loops hold, a line each; NULL for nothing. */
static char *
list_locks(struct runner *r)
{
	char *text = NULL;
	size_t len = 0;
	struct listing l = { .out = open_memstream(&text, &len) };

	if (agent_database(&r->agent) == 0 &&
	    locks_of_others(
		&r->agent.store, r->agent.name, NULL, list_lock, &l) < 0)
		agent_failed(&r->agent, "reading locks");
	if (l.n > LOCKS_MAX && l.out != NULL)
		(void)fprintf(l.out, "\nand %zu more", l.n - LOCKS_MAX);
	if (l.out == NULL || fclose(l.out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* For a test that names none. */
#define ANY_FILE "any: there is no restriction"

/* To whom it isn't told, the files are not what he remembers. */
#define BEFORE                                                                \
	"You go on with your session. What you had changed is in the "        \
	"working tree\nagain, uncommitted, on top of what was merged since; " \
	"files that git ignores\nare not."

/* The same for whom there is no session. */
#define BEFORE_WORK                                                           \
	"An earlier attempt was stopped in the middle, for no fault of its "  \
	"own. What it had\nchanged is in the working tree again, "            \
	"uncommitted, on top of what was merged since:\nlook at it with git " \
	"diff, and go on from there."

static const char *
describe_before(const struct runner *r)
{
	return r->goes_on ? BEFORE : r->takes_up ? BEFORE_WORK : "";
}

/* NULL where there is none, or no memory. */
static char *
describe_failure(const struct runner *r)
{
	char *text = NULL;

	if (r->failure == NULL)
		return NULL;
	if (asprintf(&text, "%s%s",
		r->claim.in_vain_now
		    ? "The same failure as the attempt before:\n"
		    : "",
		r->failure) < 0)
		return NULL;
	return text;
}

static const char *
name_files(const char *lines)
{
	return lines == NULL ? "" : lines[0] == '\0' ? ANY_FILE : lines;
}

void
task_fill(struct task *task, struct task_texts *texts, struct runner *r)
{
	*texts = (struct task_texts){ .files = list_lines(r->claim.files),
		.locks = list_locks(r),
		.failure = describe_failure(r) };
	*task = (struct task){ .claim = &r->claim,
		.failure = texts->failure != NULL ? texts->failure : "",
		.files = name_files(texts->files),
		.locks = texts->locks != NULL ? texts->locks : "",
		.before = describe_before(r),
		.session_id = r->goes_on ? r->claim.session.id : "",
		.hooks = &r->hooks,
		.budget_usd = r->agent.conf->budget.attempt_usd,
		.is_second = r->is_second };
}

void
task_free(struct task_texts *texts)
{
	free(texts->files);
	free(texts->locks);
	free(texts->failure);
}
