#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/import_read.h"
#include "cli/new_test.h"

enum type { ID, TEXT, DEPENDENCY, STATUS, COUNT, FLAG, TIME, PATTERNS };

/* What a value of a type must be, for errors. */
static const char *const wants[] = {
	[ID] = "text",
	[TEXT] = "text",
	[DEPENDENCY] = "one test's id; a chain says the same of several",
	[STATUS] = "pending, in_progress, passed, failed, blocked or skipped",
	[COUNT] = "a whole number, 0 or more",
	[FLAG] = "true or false",
	[TIME] = "a time in UTC as 2026-01-07T02:14:00Z",
	[PATTERNS] = "a list of path patterns",
};

static const struct column {
	const char *name;
	const char *older; /* as older files write it, or NULL */
	enum type type;
	size_t offset; /* in struct test_row */
} columns[] = {
#define COLUMN(member, older, type)                                     \
	{                                                               \
#member, older, type, offsetof(struct test_row, member) \
	}
	COLUMN(id, NULL, ID),
	COLUMN(loop_id, "loopId", TEXT),
	COLUMN(category, NULL, TEXT),
	COLUMN(status, NULL, STATUS),
	COLUMN(attempts, NULL, COUNT),
	COLUMN(max_attempts, "maxAttempts", COUNT),
	COLUMN(last_result, "lastResult", TEXT),
	COLUMN(depends_on, "dependsOn", DEPENDENCY),
	COLUMN(automatable, NULL, FLAG),
	COLUMN(notes, NULL, TEXT),
	COLUMN(spec_content, "specContent", TEXT),
	COLUMN(last_attempt_at, "lastAttemptAt", TIME),
	COLUMN(passed_at, "passedAt", TIME),
	COLUMN(verified_at, "verifiedAt", TIME),
	COLUMN(created_at, "createdAt", TIME),
	COLUMN(verify, NULL, TEXT),
	COLUMN(worker, NULL, TEXT),
	COLUMN(files, NULL, PATTERNS),
	COLUMN(test_files, "testFiles", PATTERNS),
	COLUMN(reason, NULL, TEXT),
	COLUMN(sort_order, "sortOrder", COUNT),
	COLUMN(allow_test_changes, "allowTestChanges", FLAG),
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
 * files. */
static json_t *
as_text(const json_t *value)
{
	json_t *text;
	char *dump;

	if (json_is_string(value))
		return json_string(json_string_value(value));
	dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	if (dump == NULL)
		return NULL;
	text = json_string(dump);
	free(dump);
	return text;
}

static json_t *
as_status(const char *word)
{
	static const char *const kept[] = { "pending", "passed", "failed",
		"blocked", "skipped" };

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (strcasecmp(word, kept[i]) == 0)
			return json_string(kept[i]);
	/* Nobody works on it any more. */
	return strcasecmp(word, "in_progress") == 0 ||
		strcasecmp(word, "in-progress") == 0
	    ? json_string("pending")
	    : NULL;
}

/* A list of patterns, or one; kept as the text of a JSON array. */
static json_t *
as_patterns(const json_t *value)
{
	const char *word = json_string_value(value);
	json_t *list, *item, *text = NULL;
	size_t i, nbad = 0;

	/* Exported from the table, or one, or a list. */
	list = word != NULL ? json_loads(word, 0, NULL) : json_deep_copy(value);
	if (word != NULL && !json_is_array(list)) {
		json_decref(list);
		list = json_pack("[s]", word);
	}
	json_array_foreach(list, i, item) nbad += !json_is_string(item);
	if (json_is_array(list) && nbad == 0)
		text = as_text(list);
	json_decref(list);
	return text;
}

/* Returns a new reference; NULL when value is no such thing. */
static json_t *
convert(enum type type, const json_t *value, bool legacy)
{
	const char *word = json_string_value(value);
	int64_t number = json_integer_value(value), wall_ms;

	switch (type) {
	case TEXT: return word != NULL || legacy ? as_text(value) : NULL;
	case DEPENDENCY:
	case ID: return word != NULL ? json_string(word) : NULL;
	case STATUS: return word != NULL ? as_status(word) : NULL;
	case PATTERNS: return as_patterns(value);
	case TIME:
		return word != NULL && clock_parse_iso(word, &wall_ms) == 0
		    ? json_string(word)
		    : NULL;
	case FLAG:
		if (json_is_boolean(value))
			return json_integer(json_is_true(value));
		break;
	case COUNT: break;
	}
	return json_is_integer(value) && number >= 0 &&
		number <= (type == FLAG ? 1 : INT32_MAX)
	    ? json_integer(number)
	    : NULL;
}

static void
read_value(struct import *im, size_t index, const char *name, json_t *value)
{
	const struct column *column = find_column(name);
	json_t *converted;

	if (column == NULL) {
		if (!im->legacy)
			say_unknown(im, index, name);
		return;
	}
	if (column->type == DEPENDENCY && json_is_array(value) &&
	    json_array_size(value) < 2) /* a list of one is one */
		value = json_array_get(value, 0);
	if (column->type == ID || value == NULL || json_is_null(value) ||
	    (column->type == DEPENDENCY && json_string_length(value) == 0 &&
		json_is_string(value)))
		return;
	converted = convert(column->type, value, im->legacy);
	if (converted != NULL)
		(void)json_object_set_new(
		    json_array_get(im->tests, index), column->name, converted);
	else if (column->type != TIME || !im->legacy)
		import_error(im, index, "%s must be %s", column->name,
		    wants[column->type]);
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
	    read_value(im, index, name, value);
}

void
import_row(const json_t *test, struct test_row *ret)
{
	*ret = (struct test_row){ .automatable = 1 };
	for (size_t i = 0; i < NCOLUMNS; i++) {
		const json_t *value = json_object_get(test, columns[i].name);
		void *member = (char *)ret + columns[i].offset;

		if (json_is_string(value))
			*(const char **)member = json_string_value(value);
		else if (json_is_integer(value))
			*(int64_t *)member = json_integer_value(value);
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
