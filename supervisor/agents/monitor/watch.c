#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "agents/monitor/watch.h"
#include "base/path.h"

/* Only ever compared with itself: no clock of others is believed. */
static void
read_output_at(const struct watch *w, char *ret, size_t size)
{
	char path[PATH_SIZE];
	const char *text = NULL;
	json_t *file = NULL;

	if (path_format(path, "%s/specs/health.json", w->config->directory) ==
	    0)
		file = json_load_file(path, 0, NULL);
	text = json_string_value(json_object_get(file, "last_output_at"));
	(void)snprintf(ret, size, "%s", text != NULL ? text : "");
	json_decref(file);
}

int64_t
watch_look(struct watch *w, const struct progress *progress, int64_t now_ms)
{
	char output_at[sizeof(w->output_at)];
	bool first = w->since_ms == 0;

	if (progress == NULL) {
		w->since_ms = 0;
		w->moved = true;
		return 0;
	}
	read_output_at(w, output_at, sizeof(output_at));
	if (!first && strcmp(output_at, w->output_at) == 0 &&
	    strcmp(progress->attempt_id, w->progress.attempt_id) == 0 &&
	    strcmp(progress->state, w->progress.state) == 0)
		return now_ms - w->since_ms;
	w->progress = *progress;
	(void)memcpy(w->output_at, output_at, sizeof(output_at));
	w->since_ms = now_ms;
	if (!first)
		w->moved = true;
	return 0;
}

void
watch_forgive(struct watch *w, int64_t ms)
{
	if (w->since_ms != 0)
		w->since_ms += ms;
}
