#include <string.h>

#include <bsd/string.h>
#include <jansson.h>

#include "cli/health_file.h"
#include "cli/print.h"

static void
read_counts(struct overview_loop *loop, const json_t *file)
{
	const json_t *passed = json_object_get(file, "passed");
	const json_t *pending = json_object_get(file, "pending");

	if (!json_is_integer(passed) || !json_is_integer(pending))
		return;
	loop->has_queue = true;
	loop->passed = json_integer_value(passed);
	/* What it is at is left out of "pending"; if it died there, it goes
	 * back into the queue. */
	loop->left = json_integer_value(pending) +
	    (print_json_get(file, "current_test")[0] != '\0');
	loop->blocked = json_integer_value(json_object_get(file, "failed"));
}

static void
read_attempt(struct overview_loop *loop, const json_t *file)
{
	(void)strlcpy(
	    loop->doing, print_json_get(file, "status"), sizeof(loop->doing));
	(void)strlcpy(loop->test, print_json_get(file, "current_test"),
	    sizeof(loop->test));
	loop->attempt = json_integer_value(json_object_get(file, "attempt"));
	loop->last_output_ms =
	    print_age_ms(print_json_get(file, "last_output_at"));
	loop->worker_pid =
	    (pid_t)json_integer_value(json_object_get(file, "worker_pid"));
	if (loop->test[0] == '\0')
		return;
	loop->running_ms = print_age_ms(print_json_get(file, "started_at"));
}

void
health_file_read(struct overview_loop *loop, const char *directory, pid_t pid)
{
	char path[PATH_SIZE];
	json_t *file;

	if (path_format(path, "%s/specs/health.json", directory) < 0)
		return;
	file = json_load_file(path, 0, NULL);
	if (!json_is_object(file)) {
		json_decref(file);
		return;
	}
	loop->known = true;
	read_counts(loop, file);
	if (pid != 0 && json_integer_value(json_object_get(file, "pid")) == pid)
		read_attempt(loop, file);
	json_decref(file);
}
