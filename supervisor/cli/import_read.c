#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/import_read.h"
#include "cli/new_test.h"

enum type { TEXT, ID, STATUS, COUNT, FLAG, TIME, PATTERNS };

static const struct column {
	const char *name;
	const char *older; /* as older files write it, or NULL */
	enum type type;
} columns[] = {
	{ "id", NULL, ID },
	{ "loop_id", "loopId", TEXT },
	{ "category", NULL, TEXT },
	{ "status", NULL, STATUS },
	{ "attempts", NULL, COUNT },
	{ "max_attempts", "maxAttempts", COUNT },
	{ "last_result", "lastResult", TEXT },
	{ "depends_on", "dependsOn", TEXT },
	{ "automatable", NULL, FLAG },
	{ "notes", NULL, TEXT },
	{ "spec_content", "specContent", TEXT },
	{ "last_attempt_at", "lastAttemptAt", TIME },
	{ "passed_at", "passedAt", TIME },
	{ "verified_at", "verifiedAt", TIME },
	{ "created_at", "createdAt", TIME },
	{ "verify", NULL, TEXT },
	{ "worker", NULL, TEXT },
	{ "files", NULL, PATTERNS },
	{ "test_files", "testFiles", PATTERNS },
	{ "reason", NULL, TEXT },
	{ "sort_order", "sortOrder", COUNT },
};
#define NCOLUMNS (sizeof(columns) / sizeof(columns[0]))

void
import_error(struct import *im, size_t index, const char *format, ...)
{
	const char *id = import_text(json_array_get(im->tests, index), "id");
	char text[1024];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	im->nerrors++;
	(void)cli_error(CLI_FAILED, "%s: test %zu%s%s%s: %s", im->path,
	    index + 1, id != NULL ? " (" : "", id != NULL ? id : "",
	    id != NULL ? ")" : "", text);
}

const char *
import_text(const json_t *test, const char *column)
{
	return json_string_value(json_object_get(test, column));
}

static const struct column *
find_column(const char *key)
{
	for (size_t i = 0; i < NCOLUMNS; i++)
		if (strcmp(columns[i].name, key) == 0 ||
		    (columns[i].older != NULL &&
			strcmp(columns[i].older, key) == 0))
			return &columns[i];
	return NULL;
}

static void
say_unknown(struct import *im, size_t index, const char *key)
{
	const char *names[NCOLUMNS], *nearest;

	for (size_t i = 0; i < NCOLUMNS; i++)
		names[i] = columns[i].name;
	nearest = text_nearest(key, names, NCOLUMNS);
	import_error(im, index, "there is no column %s%s%s", key,
	    nearest != NULL ? "; the nearest is " : "",
	    nearest != NULL ? nearest : "");
}

/* What is no text becomes one: results and notes were objects in some older
 * files. Returns a new reference, or NULL for nothing. */
static json_t *
as_text(const json_t *value)
{
	json_t *text;
	char *dump;

	if (json_is_null(value))
		return NULL;
	if (json_is_string(value))
		return json_string(json_string_value(value));
	dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	if (dump == NULL)
		return NULL;
	text = json_string(dump);
	free(dump);
	return text;
}

/* One id; a list of one is one, too. */
static json_t *
as_dependency(struct import *im, size_t index, const json_t *value)
{
	if (json_is_array(value) && json_array_size(value) == 0)
		return NULL;
	if (json_is_array(value) && json_array_size(value) == 1)
		value = json_array_get(value, 0);
	if (json_is_null(value) ||
	    (json_is_string(value) && json_string_length(value) == 0))
		return NULL;
	if (json_is_string(value))
		return json_string(json_string_value(value));
	import_error(im, index, "depends_on must be one test's id%s",
	    json_is_array(value) ? "; a chain says the same of several" : "");
	return NULL;
}

static json_t *
as_status(struct import *im, size_t index, const json_t *value)
{
	static const char *const kept[] = { "pending", "passed", "failed",
		"blocked", "skipped" };
	const char *word = json_string_value(value);

	for (size_t i = 0; word != NULL && i < sizeof(kept) / sizeof(*kept);
	     i++)
		if (strcasecmp(word, kept[i]) == 0)
			return json_string(kept[i]);
	/* Nobody works on it any more. */
	if (word != NULL &&
	    (strcasecmp(word, "in_progress") == 0 ||
		strcasecmp(word, "in-progress") == 0))
		return json_string("pending");
	import_error(im, index,
	    "status must be pending, in_progress, passed, failed, blocked or "
	    "skipped, not %s",
	    word != NULL ? word : "something that is no text");
	return NULL;
}

static json_t *
as_count(struct import *im, size_t index, const char *name, const json_t *value)
{
	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    json_integer_value(value) <= INT32_MAX)
		return json_integer(json_integer_value(value));
	if (!json_is_null(value))
		import_error(
		    im, index, "%s must be a whole number, 0 or more", name);
	return NULL;
}

static json_t *
as_flag(struct import *im, size_t index, const char *name, const json_t *value)
{
	if (json_is_boolean(value))
		return json_integer(json_is_true(value));
	if (json_is_integer(value) &&
	    (json_integer_value(value) == 0 || json_integer_value(value) == 1))
		return json_integer(json_integer_value(value));
	if (!json_is_null(value))
		import_error(im, index, "%s must be true or false", name);
	return NULL;
}

static json_t *
as_time(struct import *im, size_t index, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	int64_t wall_ms;

	if (text != NULL && clock_parse_iso(text, &wall_ms) == 0)
		return json_string(text);
	if (!json_is_null(value) && !im->legacy)
		import_error(im, index,
		    "%s must be a time in UTC as 2026-01-07T02:14:00Z", name);
	return NULL;
}

/* A list of patterns, or one; kept as the text of a JSON array. */
static json_t *
as_patterns(
    struct import *im, size_t index, const char *name, const json_t *value)
{
	json_t *parsed = NULL, *item, *text = NULL;
	size_t i, nbad = 0;

	if (json_is_null(value))
		return NULL;
	if (json_is_string(value)) { /* exported from the table, or one */
		parsed = json_loads(json_string_value(value), 0, NULL);
		if (!json_is_array(parsed)) {
			json_decref(parsed);
			parsed = json_pack("[s]", json_string_value(value));
		}
	} else {
		parsed = json_deep_copy(value);
	}
	json_array_foreach(parsed, i, item) nbad += !json_is_string(item);
	if (json_is_array(parsed) && nbad == 0)
		text = as_text(parsed);
	else
		import_error(
		    im, index, "%s must be a list of path patterns", name);
	json_decref(parsed);
	return text;
}

static json_t *
convert(struct import *im, size_t index, const struct column *column,
    const json_t *value)
{
	const char *name = column->name;

	switch (column->type) {
	case ID: return NULL; /* is set by then */
	case STATUS: return as_status(im, index, value);
	case COUNT: return as_count(im, index, name, value);
	case FLAG: return as_flag(im, index, name, value);
	case TIME: return as_time(im, index, name, value);
	case PATTERNS: return as_patterns(im, index, name, value);
	case TEXT: break;
	}
	if (strcmp(name, "depends_on") == 0)
		return as_dependency(im, index, value);
	if (!im->legacy && !json_is_string(value) && !json_is_null(value)) {
		import_error(im, index, "%s must be text", name);
		return NULL;
	}
	return as_text(value);
}

/* The test's id is its own, or the key it stands under. */
static void
read_id(struct import *im, size_t index, const char *key, const json_t *entry)
{
	const json_t *own = json_object_get(entry, "id");
	const char *id = own == NULL ? key : json_string_value(own);
	const char *wrong;

	if (id == NULL) {
		import_error(im, index,
		    own == NULL ? "it has no id" : "its id must be text");
		return;
	}
	wrong = new_test_id_error(id);
	if (wrong != NULL)
		import_error(im, index, "its id %s is none: %s", id, wrong);
	else
		(void)json_object_set_new(
		    json_array_get(im->tests, index), "id", json_string(id));
}

static void
read_test(struct import *im, const char *key, json_t *entry)
{
	size_t index = json_array_size(im->tests);
	json_t *test = json_object(), *value;
	const char *name;

	(void)json_array_append_new(im->tests, test);
	if (!json_is_object(entry)) {
		import_error(im, index, "it must be an object");
		return;
	}
	read_id(im, index, key, entry);
	json_object_foreach(entry, name, value)
	{
		const struct column *column = find_column(name);
		json_t *converted;

		if (column == NULL) {
			if (!im->legacy)
				say_unknown(im, index, name);
			continue;
		}
		converted = convert(im, index, column, value);
		if (converted != NULL)
			(void)json_object_set_new(
			    test, column->name, converted);
	}
}

int
import_read(struct import *im, const char *path)
{
	json_error_t error;
	json_t *root, *list, *entry;
	const char *key;
	size_t i;

	*im = (struct import){ .path = path, .tests = json_array() };
	root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		(void)(error.line > 0
			? cli_error(CLI_FAILED, "%s:%d: %s", path, error.line,
			      error.text)
			: cli_error(CLI_FAILED, "%s", error.text));
		return -1;
	}
	im->legacy = json_is_object(root);
	list = im->legacy ? json_object_get(root, "tests") : root;
	if (!json_is_array(list) && !json_is_object(list)) {
		(void)cli_error(CLI_FAILED,
		    "%s: it must be an array of tests, or an object with "
		    "`tests`",
		    path);
		json_decref(root);
		return -1;
	}
	json_array_foreach(list, i, entry) read_test(im, NULL, entry);
	json_object_foreach(list, key, entry) read_test(im, key, entry);
	json_decref(root);
	return 0;
}

void
import_free(struct import *im)
{
	json_decref(im->tests);
	im->tests = NULL;
}
