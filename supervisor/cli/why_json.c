#include <string.h>

#include "cli/print.h"
#include "cli/why.h"

static json_t *
output(const struct black_box *box)
{
	json_t *lines = json_array();

	const struct log_kept *kept;

	TAILQ_FOREACH (kept, &box->output, entry) {
		const struct line *line = &kept->line;

		(void)json_array_append_new(lines,
		    json_pack("{s:s%, s:s, s:b, s:o}", "timestamp", line->stamp,
			sizeof(line->stamp), "stream",
			line->stream == LINE_STDOUT ? "stdout" : "stderr",
			"partial", (int)line->partial, "text",
			print_json_text(line->text)));
	}
	return lines;
}

static json_t *
proc(const struct black_box *box)
{
	json_t *lines = json_array();

	for (const char *p = box->proc; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		json_t *line = json_stringn(p, n);

		if (line != NULL)
			(void)json_array_append_new(lines, line);
		p += n + (p[n] == '\n');
	}
	return lines;
}

/* The keeper's record, its numbers as numbers. */
static void
add_record(json_t *object, const struct black_box *box)
{
	static const char *const texts[] = { "cause", "text", "stage",
		"command", "started_at", "died_at", "state", "decision",
		"circuit", "status" };
	static const char *const numbers[] = { "code", "errno", "pid",
		"started_ms", "died_ms", "restarts", "level",
		"deaths_in_window", "max_restarts", "window_ms", "next_ms" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		(void)json_object_set_new(object, texts[i],
		    print_json_set(black_box_text(box, texts[i])));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)json_object_set_new(object, numbers[i],
		    json_integer((json_int_t)black_box_int(box, numbers[i])));
}

json_t *
why_json(const struct black_box *box)
{
	char reason[512];
	json_t *object =
	    json_pack("{s:s, s:b}", "component", box->name, "died", 1);

	if (object == NULL)
		return NULL;
	why_reason(reason, sizeof(reason), box);
	add_record(object, box);
	(void)json_object_set_new(object, "reason", json_string(reason));
	(void)json_object_set_new(object, "test", print_json_set(box->test));
	(void)json_object_set(object, "repairs", box->repairs);
	(void)json_object_set_new(object, "output", output(box));
	(void)json_object_set_new(object, "processes", proc(box));
	return object;
}
