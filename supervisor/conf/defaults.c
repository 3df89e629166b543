/* The table of keys, as a file that would change nothing. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/keys.h"
#include "conf/value.h"

#define LINE_SIZE 1024
#define WIDTH	  78

/* Text as a comment of lines that fit on a screen. */
static void
print_comment(FILE *out, const char *indent, const char *text)
{
	size_t room = WIDTH - 8 * strlen(indent) - 3;

	while (*text != '\0') {
		size_t n = strlen(text);

		if (n > room) {
			n = room;
			while (n > 0 && text[n] != ' ')
				n--;
			if (n == 0)
				n = room;
		}
		(void)fprintf(out, "%s// %.*s\n", indent, (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

/* "restart" of "restart.delay", with its length; "" for none. */
static size_t
group_len(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot != NULL ? (size_t)(dot - name) : 0;
}

/* How a value of the key looks, where it has no default to show. */
static const char *
example(const struct key *key)
{
	static const char *const texts[] = {
		[TYPE_TEXT] = "\"...\"",
		[TYPE_PATH] = "\"PATH\"",
		[TYPE_WORDS] = "[ \"...\", \"...\" ]",
		[TYPE_COMMAND] = "[ \"program\", \"argument\" ]",
		[TYPE_ENVIRONMENT] = "{ KEY = \"value\"; }",
		[TYPE_GROUP] = "{ ... }",
		[TYPE_GROUPS] = "( { ... }, { ... } )",
		[TYPE_INT] = "100",
		[TYPE_DURATION] = "\"1h30m\"",
		[TYPE_SIZE] = "\"512M\"",
		[TYPE_USD] = "5.00",
		[TYPE_CHOICE] = "\"...\"",
		[TYPE_OCTAL] = "\"022\"",
		[TYPE_DAILY] = "\"03:30\"",
	};

	return texts[key->type];
}

static void
print_help(FILE *out, const struct key *key, const char *indent)
{
	char data[LINE_SIZE];
	struct buf text;

	buf_init(&text, data, sizeof(data));
	buf_add(&text, key->help);
	if (key->type == TYPE_CHOICE || key->type == TYPE_INT) {
		buf_add(&text, ": ");
		value_expected(key, &text);
	}
	if (key->restart)
		buf_add(&text, " (restart)");
	print_comment(out, indent, data);
}

/* One key: its help, and its default as a line of the file. */
static void
print_key(FILE *out, const struct key *key, const char *indent)
{
	size_t len = group_len(key->name);
	const char *name = key->name + len + (len > 0);
	char data[LINE_SIZE];
	struct buf text;
	int64_t number = 0;

	print_help(out, key, indent);
	if (key->standard == NULL) {
		(void)fprintf(out, "%s// %s = %s;  // default: %s\n", indent,
		    name, example(key), key->otherwise);
		return;
	}
	buf_init(&text, data, sizeof(data));
	if (key_is_number(key) && value_parse(key, key->standard, &number) == 0)
		value_format(key, number, &text);
	else
		buf_addf(&text, "\"%s\"", key->standard);
	(void)fprintf(out, "%s%s = %s;\n", indent, name, data);
}

/* keys[first..end), with their groups; indent is what lines begin with. */
static void
print_keys(FILE *out, int first, int end, const char *indent)
{
	static const char deeper[] = "\t\t";
	const char *group = "";
	size_t len = 0;

	for (int id = first; id < end; id++) {
		const char *name = keys[id].name;
		size_t next = group_len(name);
		bool same = next == len && strncmp(name, group, len) == 0;

		if (!same && len > 0)
			(void)fprintf(out, "%s};\n", indent);
		if (!same && next > 0)
			(void)fprintf(
			    out, "%s%.*s = {\n", indent, (int)next, name);
		group = name;
		len = next;
		print_key(out, &keys[id],
		    next > 0 ? deeper + 1 - strlen(indent) : indent);
	}
	if (len > 0)
		(void)fprintf(out, "%s};\n", indent);
}

void
conf_print_defaults(FILE *out)
{
	(void)fputs("// Every key, with what holds where no file sets it. A "
		    "change of a key marked\n// (restart) restarts what it "
		    "concerns; others are applied in place. Relative\n// paths "
		    "are relative to the file they stand in.\n\n",
	    out);
	print_keys(out, 0, KEY_COMPONENTS, "");
	print_keys(out, KEY_COMPONENTS, KEY_FIRST_OF_COMPONENT, "");
	(void)fputs("\n// In each component:\n", out);
	print_key(out, &keys[KEY_NAME], "");
	(void)fputs("\n// In each component, or here for all of them:\n"
		    "defaults = {\n",
	    out);
	print_keys(out, KEY_NAME + 1, KEY_FIRST_OF_LOOP, "\t");
	(void)fputs("};\n\n// In the group loop of a component, or here for "
		    "all loops:\nloops = {\n",
	    out);
	for (int id = KEY_FIRST_OF_LOOP; id < KEY_COUNT; id++)
		print_key(out, &keys[id], "\t");
	(void)fputs("};\n", out);
}
