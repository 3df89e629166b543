/* What waits for somebody. */
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "cli/decisions.h"
#include "cli/paste.h"
#include "cli/print.h"
#include "cli/summary.h"
#include "cli/words.h"
#include "store/queries_fleet.h"
#include "store/summary_acts.h"

#define SHOWN 8 /* blocked tests, of which people are shown some */

static void
add_waiting(struct report *r, const char *kind, json_t *item)
{
	paste_set(item, "kind", kind);
	(void)json_array_append_new(r->waiting, item);
}

static bool
is_any(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(word, *words) != 0)
		words++;
	return *words != NULL;
}

static bool
is_critical(const struct alert_row *row)
{
	return strcmp(row->severity, "critical") == 0;
}

/* Whether it goes on until somebody does something, and nothing else that is
 * listed says so. */
static bool
is_lasting(const struct alert_row *row)
{
	/* As a component, and as the question that is asked again. */
	static const char *const elsewhere[] = { "component_failed",
		"rollback_failed", NULL };
	static const char *const lasting[] = { "dependency_dead_end",
		"dependency_cycle", "tests_stranded", "regressions_unknown",
		"test_id_too_long", NULL };

	return strcmp(row->severity, "error") == 0
	    ? !is_any(row->alert_type, elsewhere)
	    : is_any(row->alert_type, lasting);
}

/* What a loop says of itself doesn't name it. */
static void
add_alert(struct report *r, const struct alert_row *row)
{
	json_t *context = json_loads(row->context, 0, NULL);
	const char *loop = print_json_get(context, "loop_id");
	bool is_own = loop[0] != '\0' && strcmp(loop, row->source) == 0;
	char show[SUMMARY_COMMAND];

	add_waiting(r, "alert",
	    paste_item(report_command(r, show, "alerts", NULL), "%s%s%s",
		is_own ? loop : "", is_own ? ": " : "", row->message));
	json_decref(context);
}

static int
add_critical(const struct alert_row *row, void *argument)
{
	if (is_critical(row))
		add_alert(argument, row);
	return 0;
}

static int
add_lasting(const struct alert_row *row, void *argument)
{
	if (!is_critical(row) && is_lasting(row))
		add_alert(argument, row);
	return 0;
}

/* "A retry, B skip it, C leave it blocked"; the first one's id in first. */
static void
add_options(struct buf *b, const char *text, char first[static 32])
{
	json_t *options = json_loads(text, 0, NULL), *option;
	size_t i;

	first[0] = '\0';
	json_array_foreach(options, i, option)
	{
		const char *id = print_json_get(option, "id");
		const char *description = print_json_get(option, "description");

		buf_addf(b, "%s%s%s%s", i == 0 ? "" : ", ", id,
		    description[0] != '\0' ? " " : "", description);
		if (i == 0)
			(void)snprintf(first, 32, "%s", id);
	}
	json_decref(options);
}

/* "DEC-003, else C in 40m": what happens when nobody answers. */
static void
add_deadline(struct buf *b, const struct decision_row *row)
{
	int64_t left_ms = decisions_left_ms(row);
	char left[DURATION_SIZE];

	buf_add(b, row->id);
	if (row->default_option[0] == '\0' || left_ms < 0)
		return;
	duration_format(left, left_ms);
	buf_addf(b, ", else %s in %s", row->default_option, left);
}

static int
add_decision(const struct decision_row *row, void *argument)
{
	struct report *r = argument;
	char answer[SUMMARY_COMMAND], options[512], when[128], first[32];
	json_t *item;
	struct buf b;

	buf_init(&b, options, sizeof(options));
	add_options(&b, row->options, first);
	buf_init(&b, when, sizeof(when));
	add_deadline(&b, row);
	buf_init(&b, answer, sizeof(answer));
	paste_begin(&b, r->cli);
	buf_add(&b, first[0] != '\0' ? "decide " : "decisions");
	for (size_t i = 0; first[0] != '\0' && i < 2; i++) {
		buf_add(&b, i > 0 ? " " : "");
		buf_add_word(&b, i == 0 ? row->id : first);
	}
	item = paste_item(answer, "%s: %s%s%s%s", when, row->summary,
	    first[0] != '\0' ? " (" : "", options, first[0] != '\0' ? ")" : "");
	paste_set(item, "decision_id", row->id);
	paste_set(item, "default", row->default_option);
	paste_set(item, "asked_at", row->requested_at);
	add_waiting(r, "decision", item);
	return 0;
}

static bool
has_work(const struct report *r)
{
	for (size_t i = 0; i < r->sum.n; i++)
		if (r->sum.loops[i].left > 0)
			return true;
	return false;
}

static void
add_components(struct report *r)
{
	char command[SUMMARY_COMMAND];

	if (!r->o.running) {
		if (!has_work(r))
			return;
		add_waiting(r, "fleet",
		    paste_item(report_command(r, command, "up -d", NULL),
			"the fleet isn't running"));
		return;
	}
	for (size_t i = 0; i < r->o.n; i++) {
		const struct overview_component *c = &r->o.components[i];
		struct words w;

		words_of(&w, &r->o, c);
		if (w.unhealthy)
			add_waiting(r, "component",
			    paste_item(
				report_command(r, command, "why", c->name),
				"%s is %s: %s", c->name, w.word, w.detail));
	}
}

static int
add_blocked(const struct blocked_row *row, void *argument)
{
	struct report *r = argument;
	char show[SUMMARY_COMMAND];
	json_t *item = paste_item(report_command(r, show, "show", row->id),
	    "%s of %s is blocked: %s", row->id, row->loop_id,
	    row->reason[0] != '\0' ? row->reason : "no reason given");

	paste_set(item, "test_id", row->id);
	add_waiting(r, "blocked", item);
	return 0;
}

int
report_read_waiting(struct report *r)
{
	add_components(r);
	/* Questions have an end. */
	if (queries_each_alert(r->store, false, add_critical, r) < 0 ||
	    queries_each_decision(r->store, false, add_decision, r) < 0 ||
	    queries_each_alert(r->store, false, add_lasting, r) < 0 ||
	    summary_each_blocked(
		r->store, r->whole ? -1 : SHOWN, add_blocked, r) < 0 ||
	    summary_count_asked(r->store, &r->nasked) < 0)
		return -1;
	return 0;
}
