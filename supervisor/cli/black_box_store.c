/* What the database knows of a death: the open test, and the repairs. */
#include <string.h>

#include <bsd/string.h>

#include "cli/black_box.h"
#include "cli/print.h"
#include "store/queries_events.h"

#define EVENTS_MAX 500 /* looked through, the last ones */

/* Types that begin and end a test, and those that set right what a death left
 * behind. */
static const char *const ends[] = { "attempt_ended", "test_passed",
	"test_failed", "test_blocked", "test_skipped", "test_reset" };
static const char *const repairs[] = { "attempt_ended", "test_reset",
	"test_blocked", "file_unlocked", "force_release", "deadlock_resolved",
	"recovery_done", "rollback_triggered" };

static bool
is_among(const char *type, const char *const *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static void
follow_test(struct black_box *box, const struct event_row *row)
{
	json_t *payload = json_loads(row->payload, 0, NULL);
	const char *test =
	    json_string_value(json_object_get(payload, "test_id"));

	if (strcmp(row->event_type, "test_started") == 0 && test != NULL)
		(void)strlcpy(box->test, test, sizeof(box->test));
	else if (is_among(
		     row->event_type, ends, sizeof(ends) / sizeof(ends[0])))
		box->test[0] = '\0';
	json_decref(payload);
}

static void
add_repair(struct black_box *box, const struct event_row *row)
{
	(void)json_array_append_new(box->repairs,
	    json_pack("{s:o, s:o, s:o, s:o}", "timestamp",
		print_json_text(row->timestamp), "source",
		print_json_text(row->source), "event_type",
		print_json_text(row->event_type), "payload",
		print_json_raw(row->payload)));
}

/* Events come oldest first. A repair is one of this death until the component
 * takes its next test. */
static int
look_at(const struct event_row *row, void *argument)
{
	struct black_box *box = argument;

	if (strcmp(row->timestamp, box->died_at) < 0) {
		follow_test(box, row);
		return 0;
	}
	if (strcmp(row->event_type, "test_started") == 0)
		return 1;
	if (is_among(
		row->event_type, repairs, sizeof(repairs) / sizeof(repairs[0])))
		add_repair(box, row);
	return 0;
}

int
black_box_add_store(struct black_box *box, struct store *s)
{
	if (!box->died)
		return 0;
	return queries_last_events(s, box->name, EVENTS_MAX, look_at, box) < 0
	    ? -1
	    : 0;
}
