#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agents/loop/task.h"

const struct worker_preset *
task_preset(const struct runner *r)
{
	return r->claim.worker[0] != '\0' ? NULL : r->config->preset;
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

/*
 * A session belongs to a folder and a provider. One that was broken off from
 * outside is paid for, and worth going on with; one that failed isn't.
 */
static bool
can_go_on(const struct runner *r)
{
	const struct worker_preset *preset = task_preset(r);
	const struct claim *c = &r->claim;
	const char *const *outcome;
	static const char *const broken_off[] = { "interrupted", "rate_limited",
		"auth", "budget", NULL };

	if (preset == NULL || preset->resume[0] == NULL ||
	    c->last_session_id[0] == '\0' ||
	    strcmp(c->last_loop_id, r->agent.name) != 0 ||
	    strcmp(c->last_provider, preset->provider) != 0)
		return false;
	for (outcome = broken_off; *outcome != NULL; outcome++)
		if (strcmp(*outcome, c->last_outcome) == 0)
			return true;
	return false;
}

void
task_fill(struct task *task, struct task_texts *texts, struct runner *r)
{
	*texts = (struct task_texts){ .files = list_lines(r->claim.files) };
	*task = (struct task){ .claim = &r->claim,
		.failure = r->failure != NULL ? r->failure : "",
		.files = texts->files != NULL ? texts->files : "",
		.locks = texts->locks != NULL ? texts->locks : "",
		.session_id = can_go_on(r) ? r->claim.last_session_id : "" };
}

void
task_free(struct task_texts *texts)
{
	free(texts->files);
	free(texts->locks);
}
