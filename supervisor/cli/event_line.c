#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/text.h"
#include "cli/event_line.h"

/*
 * How a type is told; "type.word" where the payload's state or result is that
 * word. {key} is a field of the payload, {key:ms} one in ms as a duration,
 * {key:time} a stored time as local time, {key:hash} the beginning of a
 * commit's. What stands in [brackets] is left out
 * unless each of its fields is there. The line begins with the component, loop
 * or source, unless the text begins with '='.
 */
struct phrase {
	const char *type;
	const char *text;
	enum print_colour colour;
};

static const struct phrase phrases[] = {
	{ "supervisor_started", "started with {components} components",
	    PRINT_GREEN },
	{ "supervisor_adopted",
	    "goes on with {adopted} of {components} components that were "
	    "running[; {cause}]",
	    PRINT_YELLOW },
	{ "supervisor_stopped", "stopped", PRINT_PLAIN },
	{ "daemon_restarted",
	    "was started again[: {cause}][; {adopted} of {components} "
	    "components were running]",
	    PRINT_YELLOW },
	{ "config_reloaded",
	    "read the configuration again: {added} added, {removed} removed, "
	    "{restarted} restarted, {in_place} changed in place",
	    PRINT_PLAIN },
	{ "config_reloaded.refused", "refused the new configuration[: {error}]",
	    PRINT_RED },
	{ "mode_changed",
	    "=mode is {mode}[, was {before}][: {component}][ ({reason})]",
	    PRINT_YELLOW },
	{ "recovery_done",
	    "looked for leftovers[: {tests} tests pending again][, {attempts} "
	    "attempts ended][, {locks} locks released]",
	    PRINT_PLAIN },

	{ "component_started", "started[ (pid {pid})]", PRINT_PLAIN },
	{ "component_ready", "is ready", PRINT_GREEN },
	{ "component_late", "is late with its heartbeat", PRINT_YELLOW },
	{ "component_stuck", "is stuck[: {reason}]", PRINT_RED },
	{ "component_stopped", "stopped", PRINT_PLAIN },
	{ "component_stopped.backoff",
	    "waits before its next start[ (level {level})]", PRINT_YELLOW },
	{ "component_crashed", "crashed[: {reason}]", PRINT_RED },
	{ "component_start_failed", "could not start[: {reason}]", PRINT_RED },
	{ "component_restarted", "started again[ (pid {pid})]", PRINT_YELLOW },
	{ "component_failed",
	    "failed too often[: {reason}]; nothing runs until its next try",
	    PRINT_RED },
	{ "component_fallback", "runs its fallback[ after {reason}]",
	    PRINT_YELLOW },
	{ "component_recovered", "has recovered", PRINT_GREEN },
	{ "component_unkillable",
	    "can't be killed[: pid {unkillable_pid}][: pid {pid}]"
	    "[ waits in {wait_channel}]",
	    PRINT_RED },
	{ "keeper_died",
	    "lost its keeper[ (pid {pid})][: signal {signal}][: exit {exit}]",
	    PRINT_RED },
	{ "keeper_confused", "has a keeper that lost track[: {reason}]",
	    PRINT_RED },
	{ "fleet_circuit_opened",
	    "is tried alone: most of kind {kind} died[: {cause}]", PRINT_RED },
	{ "fleet_circuit_closed", "=kind {kind} is whole again", PRINT_GREEN },
	{ "keeper_stuck",
	    "has a keeper that doesn't answer[ (pid {pid})][ for "
	    "{silent_ms:ms}]",
	    PRINT_RED },
	{ "notification_refused", "refused a notification[: {reason}]",
	    PRINT_YELLOW },
	{ "paused", "is paused[ by {by}][: {why}]", PRINT_PLAIN },
	{ "paused.test", "lets {test_id} wait[: {why}]", PRINT_YELLOW },
	{ "resumed.test", "goes on with {test_id}[: {why}]", PRINT_GREEN },
	{ "resumed", "goes on[, resumed by {by}][: {why}]", PRINT_PLAIN },

	{ "test_started", "began {test_id}[ (attempt {attempt})]",
	    PRINT_PLAIN },
	{ "test_passed", "passed {test_id}[ (attempt {attempt})]",
	    PRINT_GREEN },
	{ "test_failed",
	    "failed {test_id}[ (attempt {attempt})][: {outcome}][, {detail}]",
	    PRINT_RED },
	{ "test_blocked",
	    "blocked {test_id}[ after attempt {attempt}][: {reason}]",
	    PRINT_RED },
	{ "test_skipped", "skipped {test_id}[: {reason}]", PRINT_PLAIN },
	{ "test_reset", "reset {test_id}[: {reason}]", PRINT_PLAIN },
	{ "test_moved", "takes {test_id} over[ from {from}][, says {by}]",
	    PRINT_PLAIN },
	{ "test_moved.front", "takes {test_id} next[, says {by}]",
	    PRINT_PLAIN },
	{ "test_moved.after", "takes {test_id} after {after}[, says {by}]",
	    PRINT_PLAIN },
	{ "dependency_changed",
	    "={test_id} waits for {depends_on} now[, says {by}]", PRINT_PLAIN },
	{ "dependency_changed.free",
	    "={test_id} waits for no other test any more[, says {by}]",
	    PRINT_PLAIN },
	{ "attempt_ended",
	    "ended its attempt[ {attempt}] at {test_id}[: {outcome}]"
	    "[, {detail}]",
	    PRINT_PLAIN },
	{ "attempt_stopped",
	    "is told to end its attempt at {test_id}[: {reason}]",
	    PRINT_YELLOW },
	{ "merged", "merged {test_id}[ as {commit}]", PRINT_GREEN },
	{ "queue_empty", "has nothing left to do", PRINT_PLAIN },

	{ "file_locked",
	    "locked files[ of {test_id}][ ({files})][: {file_path}]"
	    "[, {reason}]",
	    PRINT_PLAIN },
	{ "file_unlocked",
	    "unlocked files[ of {test_id}][ ({files})][: {file_path}]",
	    PRINT_PLAIN },
	{ "same_file_changed",
	    "changed what {holder} changes as well: {file_path}; it goes "
	    "together",
	    PRINT_PLAIN },
	{ "file_conflict", "met a conflict[ on {file_path}][ with {holder}]",
	    PRINT_YELLOW },
	{ "conflict_resolved",
	    "resolved the conflict[ on {file_path}][: {outcome}]",
	    PRINT_GREEN },
	{ "deadlock_detected", "found a deadlock[: {cycle}]", PRINT_RED },
	{ "deadlock_resolved",
	    "resolved a deadlock[: {victim} had to let go][ of {test_id}]",
	    PRINT_GREEN },
	{ "force_release",
	    "had to let go of its locks[, and of {test_id}][, says {by}]"
	    "[: {reason}]",
	    PRINT_YELLOW },
	{ "stuck_detected", "makes no progress[ on {test_id}][: {message}]",
	    PRINT_RED },
	{ "digression_detected", "strays[ from {test_id}][: {message}]",
	    PRINT_YELLOW },
	{ "regression_detected",
	    "={test_id} of {loop_id} doesn't pass on {failing_commit:hash} any "
	    "more[; it did on {last_good_commit:hash}][; it fails since "
	    "{first_bad_commit:hash}][, {blamed_test} of {blamed_loop}]"
	    "[: {transcript}]",
	    PRINT_RED },
	{ "flaky_detected",
	    "={test_id} of {loop_id} fails by chance: in {failed} of {runs} "
	    "runs",
	    PRINT_YELLOW },
	{ "regression_cleared",
	    "={test_id} of {loop_id} is no regression any more", PRINT_GREEN },
	{ "regression_cleared.passes",
	    "={test_id} of {loop_id} passes again: it is no regression any "
	    "more",
	    PRINT_GREEN },
	{ "regression_cleared.skipped",
	    "={test_id} of {loop_id} is skipped: its regression is over, and "
	    "not mended",
	    PRINT_YELLOW },
	{ "regression_cleared.blocked",
	    "={test_id} of {loop_id} is blocked: its regression is over, and "
	    "not mended",
	    PRINT_YELLOW },
	{ "rollback_triggered",
	    "is rolled back[ to {git_ref}][: only {test_id}]", PRINT_YELLOW },
	{ "rollback_undone",
	    "={commit:hash} of {loop_id} is back[, and {test_id} passes][, by "
	    "{by}]",
	    PRINT_PLAIN },
	{ "rate_limited",
	    "is rate limited[ by {provider}][ until {until:time}]",
	    PRINT_YELLOW },
	{ "budget_exceeded", "=the budget is used up[: {message}]",
	    PRINT_YELLOW },
	{ "budget_raised",
	    "=today's budget[ of {loop_id}] is raised by {usd} USD[ by {by}]",
	    PRINT_PLAIN },
	{ "resource_warning", "runs short[: {message}]", PRINT_YELLOW },

	{ "decision_needed", "needs a decision, {decision_id}[: {summary}]",
	    PRINT_YELLOW },
	{ "decision_made", "answered {decision_id}: {choice}[, {comment}]",
	    PRINT_PLAIN },
	{ "decision_expired", "took the default of {decision_id}: {choice}",
	    PRINT_YELLOW },
	{ "decision_expired.closed",
	    "closed {decision_id} without an answer[: {comment}]",
	    PRINT_PLAIN },
	{ "pause_requested", "is asked to pause[ by {by}][: {why}]",
	    PRINT_PLAIN },
	{ "resume_requested", "is asked to go on[ by {by}][: {why}]",
	    PRINT_PLAIN },
	{ "priority_changed", "has priority {priority} now[, was {before}]",
	    PRINT_PLAIN },
	{ "human_message", "says: {text}", PRINT_PLAIN },
	{ "alert_raised", "raised an alert: {message}", PRINT_YELLOW },
	{ "alert_cleared", "took an alert back[: {cause}]", PRINT_GREEN },
	{ "backup_done", "backed the database up[ to {path}]", PRINT_PLAIN },
	{ "backup_failed", "could not back the database up[: {detail}]",
	    PRINT_RED },
	{ "database_damaged",
	    "found the database damaged[: {detail}][; it was moved to "
	    "{moved_to}][; {what_to_do}]",
	    PRINT_RED },
	{ "database_restored", "restored the database[ from {path}]",
	    PRINT_YELLOW },
	{ "hook_failed", "hook {hook} failed[: {detail}]", PRINT_YELLOW },
};
#define NPHRASES (sizeof(phrases) / sizeof(phrases[0]))

static const struct phrase *
find_type(const char *type)
{
	for (size_t i = 0; i < NPHRASES; i++)
		if (strcmp(phrases[i].type, type) == 0)
			return &phrases[i];
	return NULL;
}

/* The phrase for the event's state or result, else that of its type. */
static const struct phrase *
find_phrase(const struct event_view *event)
{
	static const char *const keys[] = { "state", "result" };
	const struct phrase *phrase = NULL;

	for (size_t i = 0; i < 2 && event->payload != NULL && phrase == NULL;
	     i++) {
		const char *word =
		    json_string_value(json_object_get(event->payload, keys[i]));
		char type[128];

		if (word == NULL)
			continue;
		(void)snprintf(
		    type, sizeof(type), "%s.%s", event->event_type, word);
		phrase = find_type(type);
	}
	return phrase != NULL ? phrase : find_type(event->event_type);
}

/* A field of the payload as text. Returns false when it says nothing. */
static bool
field_text(const json_t *payload, const char *key, char *buf, size_t size)
{
	const json_t *value = json_object_get(payload, key);

	switch (json_typeof(value)) {
	case JSON_STRING:
		(void)snprintf(buf, size, "%s", json_string_value(value));
		return buf[0] != '\0';
	case JSON_INTEGER:
		(void)snprintf(
		    buf, size, "%lld", (long long)json_integer_value(value));
		return true;
	case JSON_REAL:
		(void)snprintf(buf, size, "%g", json_real_value(value));
		return true;
	case JSON_TRUE: (void)snprintf(buf, size, "yes"); return true;
	case JSON_FALSE: (void)snprintf(buf, size, "no"); return true;
	default: break;
	}
	return false;
}

/* Adds the field that p, behind the brace, names; *ret_end is behind the
 * closing one. Returns whether there was such a field. */
static bool
add_field(
    struct buf *b, const char *p, const json_t *payload, const char **ret_end)
{
	char key[64], value[512], age[DURATION_SIZE], local[CLOCK_LOCAL_SIZE];
	size_t len = strcspn(p, ":}");
	bool is_ms = strncmp(p + len, ":ms", 3) == 0, found;
	bool is_time = strncmp(p + len, ":time", 5) == 0;
	int64_t wall_ms;

	*ret_end = p + strcspn(p, "}") + 1;
	(void)snprintf(key, sizeof(key), "%.*s", (int)len, p);
	found = payload != NULL && json_object_get(payload, key) != NULL &&
	    field_text(payload, key, value, sizeof(value));
	if (!found)
		return false;
	if (is_ms) {
		duration_format(
		    age, json_integer_value(json_object_get(payload, key)));
		buf_add(b, age);
	} else if (strncmp(p + len, ":hash", 5) == 0) {
		buf_addf(b, "%.12s", value);
	} else if (is_time && clock_parse_iso(value, &wall_ms) == 0) {
		clock_format_local(local, wall_ms);
		buf_add(b, local);
	} else {
		buf_add(b, value);
	}
	return true;
}

/* Fills text, up to its end or a closing bracket, into b. Returns whether
 * all fields were there. */
static bool
fill(struct buf *b, const char *text, const json_t *payload)
{
	bool whole = true;

	while (*text != '\0' && *text != ']') {
		if (*text == '{') {
			whole &= add_field(b, text + 1, payload, &text);
		} else if (*text == '[') {
			struct buf before = *b;

			if (!fill(b, text + 1, payload)) {
				*b = before;
				b->data[b->len] = '\0';
			}
			text += strcspn(text, "]") + 1;
		} else {
			buf_add_bytes(b, text++, 1);
		}
	}
	return whole;
}

/* An unknown type: its name with blanks, and its fields. */
static void
fill_unknown(struct buf *b, const struct event_view *event)
{
	const char *key;
	const json_t *value;
	char text[256];
	int n = 0;

	for (const char *p = event->event_type; *p != '\0'; p++)
		buf_add_bytes(b, *p == '_' ? " " : p, 1);
	if (event->payload == NULL)
		return;
	json_object_foreach((json_t *)(uintptr_t)event->payload, key, value)
	{
		if (strcmp(key, "component") == 0 ||
		    strcmp(key, "loop_id") == 0 ||
		    !field_text(event->payload, key, text, sizeof(text)))
			continue;
		buf_addf(b, "%s%s=%s", n++ == 0 ? " (" : ", ", key, text);
	}
	if (n > 0)
		buf_add(b, ")");
}

/* Who it happened to: the loop or component; else who tells it. */
static void
add_subject(struct buf *b, const struct event_view *event)
{
	static const char *const keys[] = { "loop_id", "component" };
	char name[64];

	for (size_t i = 0; event->payload != NULL && i < 2; i++)
		if (json_object_get(event->payload, keys[i]) != NULL &&
		    field_text(event->payload, keys[i], name, sizeof(name))) {
			buf_add(b, name);
			return;
		}
	buf_add(b, event->source[0] != '\0' ? event->source : "somebody");
}

void
event_line_text(char *buf, size_t size, const struct event_view *event)
{
	const struct phrase *phrase = find_phrase(event);
	struct buf b;

	buf_init(&b, buf, size);
	if (phrase == NULL || phrase->text[0] != '=') {
		add_subject(&b, event);
		buf_add(&b, " ");
	}
	if (phrase != NULL)
		(void)fill(&b, phrase->text + (phrase->text[0] == '='),
		    event->payload);
	else
		fill_unknown(&b, event);
	text_clean(buf);
}

enum print_colour
event_line_colour(const struct event_view *event)
{
	const struct phrase *phrase = find_phrase(event);

	return phrase != NULL ? phrase->colour : PRINT_PLAIN;
}
