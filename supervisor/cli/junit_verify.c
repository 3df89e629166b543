#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/junit_verify.h"

enum word { FILE_, NAME, CLASS, SUITE, PATTERN, NWORDS };
static const char *const words[] = { [FILE_] = "{file}",
	[NAME] = "{name}",
	[CLASS] = "{class}",
	[SUITE] = "{suite}",
	[PATTERN] = "{pattern}" };
static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
/* Of the regular expressions of JavaScript and Go. */
static const char special[] = "\\^$.*+?()[]{}|";

/* How vitest joins a suite's name and a test's in reports. Its -t sees a blank
 * there before version 5, and this since then. */
static const char joint[] = " > ";
static const char either_joint[] = "( > | )";

/* Length of what looks like a {word}, 0 for none. */
static size_t
word_len(const char *p)
{
	size_t n = *p == '{' ? strspn(p + 1, letters) : 0;

	return n > 0 && p[n + 1] == '}' ? n + 2 : 0;
}

/* Which of them it is; NWORDS: none of them. */
static enum word
find_word(const char *p, size_t len)
{
	enum word i = 0;

	while (i < NWORDS &&
	    (strlen(words[i]) != len || strncmp(words[i], p, len) != 0))
		i++;
	return i;
}

/* ---- checking ---- */

#define PLAIN '\1'

/* Where in a command sh is. Whatever sh reads by rules of its own, or shells
 * read each by another, isn't followed: nothing is put in behind it. */
struct place {
	bool single, twice; /* in '' or "" */
	char before;	    /* PLAIN for what a backslash has made so */
	const char *behind; /* such a thing, or NULL */
};

static const char *
forbidden(const struct place *at, char why[static 80])
{
	if (at->single || at->twice)
		return "in quotes, but is quoted by itself: end them before "
		       "it, as in 'test(='{name}')'";
	if (at->before == '\\')
		return "after a backslash";
	if (at->before == '$')
		return "after a '$': without it, it is the report's";
	if (at->behind == NULL)
		return NULL;
	(void)snprintf(why, 80, "behind %s: put it before that", at->behind);
	return why;
}

/* Whether the '$' at p begins a plain $NAME or ${NAME}, or isn't special. */
static bool
is_plain_dollar(const char *p)
{
	static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
				   "abcdefghijklmnopqrstuvwxyz";

	if (p[1] == '{')
		return p[2 + strspn(p + 2, name)] == '}';
	return strchr("([\'", p[1]) == NULL || p[1] == '\0';
}

/* What the character at p begins that isn't followed; or NULL. */
static const char *
begins(const struct place *at, const char *p)
{
	static const char ends[] = { ' ', '\t', '\n', ';', '&', '|', '(', ')',
		PLAIN, '\0' };

	if (*p == '`')
		return "a backquote";
	/* Only $( outside of quotes is read as what surrounds it. */
	if (*p == '$' && !is_plain_dollar(p) &&
	    (p[1] != '(' || p[2] == '(' || at->twice))
		return "a '$' that isn't just a variable's";
	if (*p == '<' && at->before == '<' && !at->twice)
		return "a <<";
	if (*p == '#' && !at->twice &&
	    (at->before == '\0' || strchr(ends, at->before) != NULL))
		return "a #";
	return NULL;
}

/* Goes on by one character of sh. */
static void
advance(struct place *at, const char *p)
{
	bool escaped = at->before == '\\' && !at->single;

	if (!escaped && *p == '\'' && !at->twice)
		at->single = !at->single;
	else if (!escaped && *p == '"' && !at->single)
		at->twice = !at->twice;
	else if (!escaped && !at->single && at->behind == NULL)
		at->behind = begins(at, p);
	at->before = escaped ? PLAIN : *p;
}

static void
say_unknown(const char *p, size_t len, char *error, size_t size)
{
	const char *nearest;
	char word[32];

	(void)snprintf(word, sizeof(word), "%.*s", (int)len, p);
	nearest = text_nearest(word, words, NWORDS);
	(void)snprintf(error, size,
	    "there is no %s%s%s; there are {file}, {name}, {class}, {suite} "
	    "and {pattern}",
	    word, nearest != NULL ? ", did you mean " : "",
	    nearest != NULL ? nearest : "");
}

bool
junit_verify_check(const char *text, char *error, size_t size)
{
	struct place at = { 0 };
	char behind[80];

	for (const char *p = text; *p != '\0'; p++) {
		size_t len = word_len(p);
		enum word word = find_word(p, len);
		const char *why = len > 0 ? forbidden(&at, behind) : NULL;

		/* Others' words, awk's {print}, stand in quotes. */
		if (len > 0 && word == NWORDS && why == NULL) {
			say_unknown(p, len, error, size);
			return false;
		}
		if (word != NWORDS && why != NULL) {
			(void)snprintf(
			    error, size, "%s stands %s", words[word], why);
			return false;
		}
		advance(&at, p);
	}
	if (at.behind != NULL || (!at.single && !at.twice))
		return true;
	(void)snprintf(error, size, "its quotes never end");
	return false;
}

/* ---- filling in ---- */

static const char *
value(enum word word, const struct junit_case *c)
{
	switch (word) {
	case FILE_: return c->file;
	case CLASS: return c->class_name;
	case SUITE: return c->suite;
	case NAME:
	case PATTERN:
	case NWORDS: break;
	}
	return c->name;
}

/* A byte between single quotes of sh. */
static void
add_quoted(struct buf *b, char byte)
{
	if (byte == '\'')
		buf_add(b, "'\\''");
	else
		buf_add_bytes(b, &byte, 1);
}

/* What the name is put in as behind an option that takes a pattern: where all
 * of a name is matched, from its begin on. */
static const struct option {
	const char *text;
	const char *begin;
} options[] = { { "-t", "" }, { "--testNamePattern", "" }, { "-run", "^" },
	{ "-R", "^" }, { "--tests-regex", "^" } };

/* Which of them stands before p in text, as "-t {name}" or "-t={name}". */
static const struct option *
option_before(const char *text, const char *p)
{
	const char *end = p, *begin;

	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (end == p && (end == text || *--end != '='))
		return NULL;
	begin = end;
	while (begin > text && strchr(" \t\n", begin[-1]) == NULL)
		begin--;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strlen(options[i].text) == (size_t)(end - begin) &&
		    strncmp(options[i].text, begin, (size_t)(end - begin)) == 0)
			return &options[i];
	return NULL;
}

static void
add_pattern(struct buf *b, const char *name)
{
	for (; *name != '\0'; name++) {
		if (strncmp(name, joint, strlen(joint)) == 0) {
			buf_add(b, either_joint);
			name += strlen(joint) - 1;
			continue;
		}
		if (strchr(special, *name) != NULL)
			buf_add(b, "\\");
		add_quoted(b, *name);
	}
	buf_add(b, "$");
}

void
junit_verify_fill(struct buf *b, const char *text, const struct junit_case *c)
{
	const char *p = text;

	while (*p != '\0') {
		size_t len = word_len(p);
		enum word word = find_word(p, len);
		const struct option *option =
		    word == NAME ? option_before(text, p) : NULL;

		if (word == NWORDS) {
			buf_add_bytes(b, p++, 1);
			continue;
		}
		buf_add(b, "'");
		if (option != NULL)
			buf_add(b, option->begin);
		if (word == PATTERN || option != NULL)
			add_pattern(b, c->name);
		else
			for (const char *v = value(word, c); *v != '\0'; v++)
				add_quoted(b, *v);
		buf_add(b, "'");
		p += len;
	}
}

const char *
junit_verify_lacks(const char *text, const struct junit_case *c)
{
	for (enum word i = 0; i < NWORDS; i++)
		if (strstr(text, words[i]) != NULL &&
		    (value(i, c)[0] == '\0' ||
			(i == FILE_ && c->file[0] == '/')))
			return words[i];
	return NULL;
}
