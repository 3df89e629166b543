/* What happened, and was decided while somebody was away. */
#include <stdio.h>
#include <string.h>

#include "cli/paste.h"
#include "cli/print.h"
#include "cli/summary.h"
#include "store/summary_acts.h"

#define SHORT_HASH 12

/* ---- in somebody's absence ---- */

/* What undoes an answer; that of others is that their test is worked on anew.
 */
static const struct undo {
	const char *type;
	const char *choice;
	const char *verb; /* NULL: nothing does */
} undos[] = {
	{ "test_blocked", "A", "skip" },
	{ "test_failing", "A", "skip" },
	{ "regression", "A", NULL },
	{ "regression", "B", "skip" },
	{ "file_conflict", "A", NULL },
	{ "file_conflict", "B", NULL },
};
#define NUNDOS (sizeof(undos) / sizeof(undos[0]))

static const char *
format_rollback(const struct report *r, char buf[static SUMMARY_COMMAND],
    const char *loop, const char *option, const char *word)
{
	struct buf b;

	buf_init(&b, buf, SUMMARY_COMMAND);
	paste_begin(&b, r->cli);
	buf_add(&b, "rollback ");
	buf_add_word(&b, loop);
	buf_addf(&b, " --%s ", option);
	buf_add_word(&b, word);
	return buf;
}

/* Returns false where all it does is to show more. */
static bool
format_undo(const struct report *r, char buf[static SUMMARY_COMMAND],
    const struct decided_row *row)
{
	const char *verb = "reset";
	char hash[SHORT_HASH + 1];

	for (size_t i = 0; i < NUNDOS; i++)
		if (strcmp(undos[i].type, row->decision_type) == 0 &&
		    strcmp(undos[i].choice, row->choice) == 0)
			verb = undos[i].verb;
	if (row->rolled_back[0] != '\0') {
		(void)snprintf(hash, sizeof(hash), "%s", row->rolled_back);
		(void)format_rollback(
		    r, buf, row->rolled_back_loop, "undo", hash);
	} else if (verb != NULL && row->test_id[0] != '\0') {
		(void)report_command(r, buf, verb, row->test_id);
	} else {
		(void)report_command(r, buf,
		    strcmp(row->decision_type, "regression") == 0
			? "regressions --all"
			: strcmp(row->decision_type, "file_conflict") == 0
			? "conflicts --all"
			: "decisions --all",
		    NULL);
		return false;
	}
	return true;
}

static json_t *
describe_decided(const struct report *r, const struct decided_row *row)
{
	bool by_default = strcmp(row->status, "decided") != 0;
	const char *of = row->test_id[0] != '\0' ? " of " : "";
	char command[SUMMARY_COMMAND];
	bool is_undo;

	if (row->choice[0] == '\0')
		return paste_item(
		    report_command(r, command, "decisions --all", NULL),
		    "%s%s%s: nobody answered, and it has no default", row->id,
		    of, row->test_id);
	is_undo = format_undo(r, command, row);
	return paste_item(command, "%s%s%s: %s%s%s%s%s%s", row->id, of,
	    row->test_id, row->choice, row->description[0] != '\0' ? ", " : "",
	    row->description, by_default ? ", by default" : ", by ",
	    by_default ? "" : row->decided_by, is_undo ? "; undo" : "");
}

static int
add_decided(const struct decided_row *row, void *argument)
{
	const struct report *r = argument;
	bool by_default = strcmp(row->status, "decided") != 0;
	json_t *item = describe_decided(r, row);

	paste_set(item, "kind", "decision");
	paste_set(item, "decision_id", row->id);
	paste_set(item, "decision_type", row->decision_type);
	paste_set(item, "summary", row->summary);
	paste_set(item, "choice", row->choice);
	paste_set(item, "by", by_default ? "default" : row->decided_by);
	paste_set(item, "at", row->decided_at);
	paste_set(item, "test_id", row->test_id);
	return json_array_append_new(r->decided, item);
}

static int
add_moved(const struct event_row *row, void *argument)
{
	const struct report *r = argument;
	json_t *payload = json_loads(row->payload, 0, NULL), *item;
	const char *test = print_json_get(payload, "test_id");
	const char *from = print_json_get(payload, "from");
	const char *by = print_json_get(payload, "by");
	char undo[SUMMARY_COMMAND];
	struct buf b;

	if (test[0] == '\0' || from[0] == '\0') { /* only its order changed */
		json_decref(payload);
		return 0;
	}
	buf_init(&b, undo, sizeof(undo));
	paste_begin(&b, r->cli);
	buf_add(&b, "move ");
	buf_add_word(&b, test);
	buf_add(&b, " ");
	buf_add_word(&b, from);
	item = paste_item(undo, "%s went from %s to %s, by %s; undo", test,
	    from, print_json_get(payload, "loop_id"),
	    by[0] != '\0' ? by : row->source);
	paste_set(item, "kind", "moved");
	paste_set(item, "test_id", test);
	paste_set(item, "from", from);
	paste_set(item, "at", row->timestamp);
	json_decref(payload);
	return json_array_append_new(r->decided, item);
}

static int
add_settled(const struct settled_row *row, void *argument)
{
	const struct report *r = argument;
	bool can_undo = row->ahead[0] != '\0';
	char command[SUMMARY_COMMAND];
	json_t *item;

	if (can_undo)
		(void)format_rollback(
		    r, command, row->first_loop, "only", row->ahead);
	else
		(void)report_command(r, command, "conflicts --all", NULL);
	item = paste_item(command, "%s of %s and %s: %s%s", row->id,
	    row->first_loop, row->second_loop,
	    row->outcome[0] != '\0' ? row->outcome : "is over",
	    can_undo ? "; undo" : "");
	paste_set(item, "kind", "conflict");
	paste_set(item, "conflict_id", row->id);
	paste_set(item, "at", row->closed_at);
	return json_array_append_new(r->decided, item);
}

static int
add_deadlock(const struct event_row *row, void *argument)
{
	const struct report *r = argument;
	json_t *payload = json_loads(row->payload, 0, NULL), *item;
	const char *victim = print_json_get(payload, "victim");
	const char *test = print_json_get(payload, "test_id");
	char show[SUMMARY_COMMAND];

	item = paste_item(report_command(r, show, "deadlocks", NULL),
	    "a deadlock: %s had to let go%s%s, and does it again",
	    victim[0] != '\0' ? victim : "somebody",
	    test[0] != '\0' ? " of " : "", test);
	paste_set(item, "kind", "deadlock");
	paste_set(item, "victim", victim);
	paste_set(item, "test_id", test);
	paste_set(item, "at", row->timestamp);
	json_decref(payload);
	return json_array_append_new(r->decided, item);
}

/* ---- regressions and rollbacks ---- */

static int
add_regression(const struct broken_row *row, void *argument)
{
	struct report *r = argument;
	bool is_open = strcmp(row->status, "open") == 0;
	char show[SUMMARY_COMMAND];
	json_t *item;

	/* Else the question is what waits. */
	r->nasking += is_open && row->decision_id[0] == '\0';
	(void)report_command(r, show, "regressions", NULL);
	if (!is_open)
		item = paste_item(NULL,
		    "%s of %s had failed; that is over%s%s%s", row->test_id,
		    row->loop_id, row->result[0] != '\0' ? " (" : "",
		    row->result, row->result[0] != '\0' ? ")" : "");
	else
		item = paste_item(show, "%s of %s %s %.*s%s%s%s%s",
		    row->test_id, row->loop_id,
		    row->is_found ? "is broken by" : "fails on", SHORT_HASH,
		    row->commit[0] != '\0' ? row->commit : "?",
		    row->blamed_loop[0] != '\0' ? " of " : "", row->blamed_loop,
		    row->blamed_test[0] != '\0' ? " for " : "",
		    row->blamed_test);
	paste_set(item, "test_id", row->test_id);
	paste_set(item, "status", row->status);
	paste_set(item, "result", row->result);
	paste_set(item, "commit", row->commit);
	paste_set(item, "blamed_loop", row->blamed_loop);
	paste_set(item, "decision_id", row->decision_id);
	paste_set(item, "at", is_open ? row->detected_at : row->closed_at);
	return json_array_append_new(r->broken, item);
}

static int
add_rollback(const struct event_row *row, void *argument)
{
	const struct report *r = argument;
	json_t *payload = json_loads(row->payload, 0, NULL), *item;
	const json_t *commits = json_object_get(payload, "commits");
	const char *loop = print_json_get(payload, "loop_id");
	const char *by = print_json_get(payload, "by");
	const char *test = json_string_value(
	    json_array_get(json_object_get(payload, "tests"), 0));
	const char *commit = json_string_value(json_array_get(commits, 0));
	size_t n = json_array_size(commits);
	char undo[SUMMARY_COMMAND], what[32], hash[SHORT_HASH + 1];
	bool can_undo = n == 1 && commit != NULL;

	(void)snprintf(hash, sizeof(hash), "%s", can_undo ? commit : "");
	if (n != 1 || test == NULL) {
		(void)snprintf(what, sizeof(what), "%zu commits", n);
		test = what;
	}
	item = paste_item(
	    can_undo ? format_rollback(r, undo, loop, "undo", hash) : NULL,
	    "%s of %s rolled back by %s%s", test, loop,
	    by[0] != '\0' ? by : row->source, can_undo ? "; undo" : "");
	paste_set(item, "loop_id", loop);
	paste_set(item, "by", by);
	paste_set(item, "at", row->timestamp);
	if (payload != NULL && commits != NULL)
		(void)json_object_set(
		    item, "commits", (json_t *)(uintptr_t)commits);
	json_decref(payload);
	return json_array_append_new(r->broken, item);
}

int
report_read_past(struct report *r)
{
	int64_t since_ms = r->sum.since_ms;

	if (summary_each_decided(r->store, since_ms, add_decided, r) != 0 ||
	    summary_each_event(
		r->store, since_ms, "test_moved", true, add_moved, r) != 0 ||
	    summary_each_settled(r->store, since_ms, add_settled, r) != 0 ||
	    summary_each_event(r->store, since_ms, "deadlock_resolved", false,
		add_deadlock, r) != 0 ||
	    summary_each_regression(r->store, since_ms, add_regression, r) !=
		0 ||
	    summary_each_event(r->store, since_ms, "rollback_triggered", false,
		add_rollback, r) != 0)
		return -1;
	return 0;
}
