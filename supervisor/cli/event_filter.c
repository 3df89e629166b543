#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/database.h"
#include "cli/event_filter.h"
#include "store/queries_events.h"

static const char *const columns[] = { "id", "timestamp", "source",
	"event_type", "correlation_id", "priority", "acknowledged",
	"acknowledged_by", "acknowledged_at", "test_id", "loop_id",
	"component" };
#define NCOLUMNS (sizeof(columns) / sizeof(columns[0]))

void
event_filter_parse(struct event_filter *filter, const struct option_list *list)
{
	filter->n = 0;
	for (size_t i = 0; i < list->n; i++) {
		const char *equal = strchr(list->values[i], '=');
		size_t len =
		    equal != NULL ? (size_t)(equal - list->values[i]) : 0;

		if (len == 0 || len >= sizeof(filter->terms[0].key))
			cli_fail(CLI_USAGE,
			    "--filter %s: it is written KEY=VALUE, as "
			    "test_id=CP-UFS-001",
			    list->values[i]);
		(void)snprintf(filter->terms[filter->n].key,
		    sizeof(filter->terms[0].key), "%.*s", (int)len,
		    list->values[i]);
		filter->terms[filter->n++].value = equal + 1;
	}
}

static bool
is_column(const char *key)
{
	for (size_t i = 0; i < NCOLUMNS; i++)
		if (strcmp(columns[i], key) == 0)
			return true;
	return false;
}

static int
add_key(const char *key, void *argument)
{
	if (!is_column(key))
		buf_addf(argument, ", %s", key);
	return 0;
}

static int
say_unknown(struct store *s, const char *key)
{
	char list[1200];
	struct buf b;

	buf_init(&b, list, sizeof(list));
	for (size_t c = 0; c < NCOLUMNS; c++)
		buf_addf(&b, "%s%s", c > 0 ? ", " : "", columns[c]);
	if (queries_each_payload_key(s, add_key, &b) < 0)
		return database_error(s);
	return cli_error(CLI_USAGE,
	    "--filter %s: no event has such a field; there are %s", key, list);
}

int
event_filter_check(const struct event_filter *filter, struct store *s)
{
	for (size_t i = 0; i < filter->n; i++) {
		const char *key = filter->terms[i].key;
		int found =
		    is_column(key) ? 1 : queries_has_payload_key(s, key);

		if (found <= 0)
			return found < 0 ? database_error(s)
					 : say_unknown(s, key);
	}
	return CLI_DONE;
}

bool
event_filter_query(const struct event_filter *filter, struct event_query *query)
{
	static const struct {
		const char *name;
		enum queries_event_key key;
	} keys[] = { { "test_id", QUERIES_EVENT_TEST },
		{ "component", QUERIES_EVENT_COMPONENT },
		{ "loop_id", QUERIES_EVENT_LOOP },
		{ "event_type", QUERIES_EVENT_TYPE } };

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		for (size_t i = 0; i < filter->n; i++)
			if (strcmp(filter->terms[i].key, keys[k].name) == 0) {
				query->key = keys[k].key;
				query->value = filter->terms[i].value;
				return filter->n == 1;
			}
	return filter->n == 0;
}

/* Whether value, as text, is what was asked for. */
static bool
is_equal(const json_t *value, const char *wanted)
{
	char *text;
	bool equal;

	if (json_is_string(value))
		return strcasecmp(json_string_value(value), wanted) == 0;
	if (value == NULL)
		return false;
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	equal = text != NULL && strcasecmp(text, wanted) == 0;
	free(text);
	return equal;
}

bool
event_filter_matches(const struct event_filter *filter, const json_t *event)
{
	const json_t *payload = json_object_get(event, "payload");

	for (size_t i = 0; i < filter->n; i++) {
		const char *key = filter->terms[i].key;
		const json_t *value = json_object_get(event, key);

		if (value == NULL || strcmp(key, "payload") == 0)
			value = json_object_get(payload, key);
		if (!is_equal(value, filter->terms[i].value))
			return false;
	}
	return true;
}
