#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/scan.h"
#include "conf/syntax.h"

#define DEPTH_MAX 64
#define NAMES_MAX 64 /* of one group, looked at for doubles */

/* One open bracket, or the file itself. */
struct frame {
	char mark; /* '{', '[', '(', or 0 */
	unsigned line;
	enum token_kind kind; /* of the values in [ ] so far */
	bool filled;	      /* [ ] or ( ) has a value */
	size_t nnames;
	struct token names[NAMES_MAX];
};

enum expected { EXPECT_NAME, EXPECT_EQUALS, EXPECT_VALUE, EXPECT_NEXT };

struct walk {
	struct scan scan;
	struct frame *frames;
	size_t depth; /* frames in use, at least 1 */
	enum expected expected;
	struct token token;    /* the one that is looked at */
	struct token previous; /* and the one before it */
	struct token name;     /* the last key */
	struct token long_one; /* the last string of several lines */
	const struct source *source;
	struct faults *faults;
};

/* How a token is shown: long ones cut. */
#define SHOWN(t) (int)((t)->len > 40 ? 40 : (t)->len), (t)->start

/* A quote that is missing makes a string end at the next one, lines below;
 * what comes after it makes no sense. */
static bool
is_run_over(const struct walk *w)
{
	return w->long_one.kind == TOKEN_STRING &&
	    w->token.line - w->long_one.end_line <= 1;
}

/* The same on one line: a string with a word close behind it. */
static bool
is_run_into(const struct walk *w)
{
	return w->previous.kind == TOKEN_STRING &&
	    w->token.start == w->previous.start + w->previous.len &&
	    (w->token.kind == TOKEN_NAME || w->token.kind == TOKEN_BOOL ||
		w->token.kind == TOKEN_NUMBER);
}

/* Reports the culprit; returns true for the caller to pass on. */
static bool __attribute__((format(printf, 3, 4)))
complain(struct walk *w, unsigned line, const char *format, ...)
{
	struct place at = { w->source, line };
	char text[512];
	va_list ap;

	if (is_run_over(w)) {
		at.line = w->long_one.line;
		fault_add(w->faults, at,
		    "syntax error: the text that begins here has no closing "
		    "quote on its line");
		return true;
	}
	if (is_run_into(w)) {
		fault_add(w->faults, at,
		    "syntax error: a quote may be missing: the text %.*s runs "
		    "into %.*s",
		    SHOWN(&w->previous), SHOWN(&w->token));
		return true;
	}
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fault_add(w->faults, at, "%s", text);
	return true;
}

static struct frame *
top(struct walk *w)
{
	return &w->frames[w->depth - 1];
}

static char
closing(char mark)
{
	return mark == '{' ? '}' : mark == '[' ? ']' : ')';
}

static bool
wrong_end(struct walk *w)
{
	const struct token *t = &w->token;
	const struct frame *f = top(w);

	if (t->kind == TOKEN_END)
		return complain(w, f->line,
		    "syntax error: the \"%c\" that opens here is never "
		    "closed: a \"%c\" is missing",
		    f->mark, closing(f->mark));
	if (f->mark == '\0')
		return complain(w, t->line,
		    "syntax error: this \"%.*s\" closes nothing: it is one "
		    "too many, or the one that opens is missing",
		    SHOWN(t));
	return complain(w, t->line,
	    "syntax error: \"%.*s\" where \"%c\" should close the \"%c\" of "
	    "line %u",
	    SHOWN(t), closing(f->mark), f->mark, f->line);
}

static bool
is_closing(const struct token *t)
{
	return token_is(t, '}') || token_is(t, ']') || token_is(t, ')');
}

static bool
add_name(struct walk *w)
{
	struct frame *f = top(w);
	const struct token *t = &w->token;

	for (size_t i = 0; i < f->nnames; i++)
		if (f->names[i].len == t->len &&
		    memcmp(f->names[i].start, t->start, t->len) == 0)
			return complain(w, t->line,
			    "\"%.*s\" stands twice in the same group, first "
			    "on line %u: keep one",
			    SHOWN(t), f->names[i].line);
	if (f->nnames < NAMES_MAX)
		f->names[f->nnames++] = *t;
	w->name = *t;
	w->expected = EXPECT_EQUALS;
	return false;
}

static bool
open_frame(struct walk *w)
{
	struct frame *f;

	if (w->depth == DEPTH_MAX)
		return complain(
		    w, w->token.line, "syntax error: nested too deeply");
	f = &w->frames[w->depth++];
	f->mark = w->token.start[0];
	f->line = w->token.line;
	f->kind = TOKEN_END;
	f->filled = false;
	f->nnames = 0;
	w->expected = f->mark == '{' ? EXPECT_NAME : EXPECT_VALUE;
	return false;
}

static bool
close_frame(struct walk *w)
{
	w->depth--;
	w->expected = EXPECT_NEXT;
	return false;
}

static bool
name_wanted(struct walk *w)
{
	const struct token *t = &w->token;
	bool top_level = top(w)->mark == '\0';

	if (t->kind == TOKEN_NAME)
		return add_name(w);
	if (t->kind == TOKEN_END && top_level)
		return false;
	if (token_is(t, '}') && !top_level)
		return close_frame(w);
	if (is_closing(t) || t->kind == TOKEN_END)
		return wrong_end(w);
	if (strncmp(t->start, "@include", strlen("@include")) == 0)
		return complain(w, t->line,
		    "@include isn't supported: write include = [ \"FILE\" ]; "
		    "at the top level, where FILE may be a pattern such as "
		    "\"conf.d/*.conf\"");
	if (token_is(t, ',') || token_is(t, ';'))
		return complain(w, t->line,
		    "syntax error: this \"%.*s\" is one too many", SHOWN(t));
	if (t->kind == TOKEN_STRING)
		return complain(w, t->line,
		    "syntax error: a key was expected, not %.*s: %s", SHOWN(t),
		    token_is(&w->previous, ',')
			? "a list of values stands in [ ]"
			: "keys have no quotes");
	return complain(w, t->line,
	    "syntax error: KEY = VALUE was expected, not %.*s: a comma or "
	    "semicolon may be missing or too many",
	    SHOWN(t));
}

static bool
equals_wanted(struct walk *w)
{
	const struct token *t = &w->token;

	if (token_is(t, '=') || token_is(t, ':')) {
		w->expected = EXPECT_VALUE;
		return false;
	}
	if (t->start[0] == '.')
		return complain(w, t->line,
		    "syntax error: a key has no dots: write %.*s = "
		    "{ %.*s = ...; };",
		    SHOWN(&w->name),
		    (int)strcspn(t->start + 1, " \t\r\n=:;,{}[]()\"#"),
		    t->start + 1);
	return complain(w, w->name.line,
	    "syntax error: \"=\" is missing after \"%.*s\"", SHOWN(&w->name));
}

/* A value in [ ]: simple, and of the kind of the others. */
static bool
wrong_in_array(struct walk *w)
{
	const struct token *t = &w->token;
	struct frame *f = top(w);

	if (t->kind == TOKEN_MARK)
		return complain(w, t->line,
		    "syntax error: [ ] holds simple values only: lists of "
		    "groups stand in ( )");
	if (f->kind != TOKEN_END && f->kind != t->kind)
		return complain(w, t->line,
		    "%.*s is of another kind than the values before it: put "
		    "every value in quotes",
		    SHOWN(t));
	f->kind = t->kind;
	return false;
}

/* Quotes of another kind, as a keyboard or a word processor makes them. */
static bool
is_other_quote(const struct token *t)
{
	static const char *const quotes[] = { "'", "`", "\u201c", "\u201d",
		"\u201e", "\u2018", "\u2019", "\u00ab", "\u00bb" };

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
		if (strlen(quotes[i]) == t->len &&
		    memcmp(quotes[i], t->start, t->len) == 0)
			return true;
	return false;
}

static bool
no_value(struct walk *w)
{
	const struct token *t = &w->token;

	if (is_other_quote(t))
		return complain(w, t->line,
		    "syntax error: a text stands in plain double quotes "
		    "(\"...\"), not in %.*s",
		    SHOWN(t));
	if (t->kind == TOKEN_NAME)
		return complain(w, t->line,
		    "syntax error: put the text in quotes: \"%.*s\"", SHOWN(t));
	if (token_is(t, '=') || token_is(t, ':'))
		return complain(w, t->line,
		    "syntax error: this \"%.*s\" is one too many", SHOWN(t));
	if (top(w)->mark != '[' && top(w)->mark != '(')
		return complain(w, w->name.line,
		    "syntax error: a value is missing after \"%.*s =\"",
		    SHOWN(&w->name));
	if (is_closing(t) && token_is(&w->previous, ','))
		return complain(w, w->previous.line,
		    "syntax error: a comma too many before \"%.*s\"", SHOWN(t));
	if (is_closing(t) || t->kind == TOKEN_END)
		return wrong_end(w);
	if (token_is(t, ','))
		return complain(
		    w, t->line, "syntax error: this comma is one too many");
	return complain(w, t->line,
	    "syntax error: a value was expected, not \"%.*s\": a comma may "
	    "be missing or too many",
	    SHOWN(t));
}

/* libconfig cuts a whole number to 32 bits in silence. */
static bool
is_too_large(const struct token *t)
{
	char *end;
	long long value;

	if (t->kind != TOKEN_NUMBER)
		return false;
	errno = 0;
	value = strtoll(t->start, &end, 10);
	/* A longer token is a fraction, hexadecimal, or says L. */
	return end == t->start + t->len &&
	    (errno != 0 || value < INT_MIN || value > INT_MAX);
}

static bool
value_wanted(struct walk *w)
{
	const struct token *t = &w->token;
	struct frame *f = top(w);
	bool in_list = f->mark == '[' || f->mark == '(';
	bool opens = token_is(t, '{') || token_is(t, '[') || token_is(t, '(');

	if (in_list && !f->filled && token_is(t, closing(f->mark)))
		return close_frame(w);
	if (!opens && t->kind != TOKEN_STRING && t->kind != TOKEN_NUMBER &&
	    t->kind != TOKEN_BOOL)
		return no_value(w);
	if (is_too_large(t))
		return complain(w, t->line,
		    "%.*s is too large for a number: sizes and durations "
		    "stand in quotes, with a unit, such as \"10G\" or \"30d\"",
		    SHOWN(t));
	if (f->mark == '[' && wrong_in_array(w))
		return true;
	f->filled = true;
	w->expected = EXPECT_NEXT;
	return opens ? open_frame(w) : false;
}

/* After a value in [ ] or ( ). */
static bool
comma_wanted(struct walk *w)
{
	const struct token *t = &w->token;

	if (token_is(t, ',')) {
		w->expected = EXPECT_VALUE;
		return false;
	}
	if (token_is(t, closing(top(w)->mark)))
		return close_frame(w);
	if (is_closing(t) || t->kind == TOKEN_END)
		return wrong_end(w);
	if (token_is(t, ';'))
		return complain(w, t->line,
		    "syntax error: a semicolon between values: a \"%c\" may "
		    "be missing before it",
		    closing(top(w)->mark));
	return complain(w, w->previous.end_line,
	    "syntax error: a comma may be missing before %.*s", SHOWN(t));
}

/* After a value: one separator at most, or the next, or the end. */
static bool
next_wanted(struct walk *w)
{
	const struct token *t = &w->token;
	char mark = top(w)->mark;

	/* libconfig makes one of two strings side by side. In a list that is
	 * a forgotten comma; elsewhere it breaks a long text into lines. */
	if (t->kind == TOKEN_STRING && w->previous.kind == TOKEN_STRING)
		return mark == '[' || mark == '('
		    ? complain(w, w->previous.end_line,
			  "a comma is missing between %.*s and %.*s",
			  SHOWN(&w->previous), SHOWN(t))
		    : false;
	if (w->previous.kind == TOKEN_NUMBER && t->kind == TOKEN_NAME &&
	    t->start == w->previous.start + w->previous.len)
		return complain(w, t->line,
		    "syntax error: put it in quotes: \"%.*s%.*s\"",
		    SHOWN(&w->previous), SHOWN(t));
	if (mark == '[' || mark == '(')
		return comma_wanted(w);
	w->expected = EXPECT_NAME;
	return token_is(t, ',') || token_is(t, ';') ? false : name_wanted(w);
}

/* Looks at one token; true when it is the culprit and was reported. */
static bool
step(struct walk *w)
{
	if (w->token.kind == TOKEN_OPEN && w->token.start[0] == '/')
		return complain(w, w->token.line,
		    "syntax error: the comment that begins here is never "
		    "ended: a \"*/\" is missing");
	if (w->token.kind == TOKEN_OPEN)
		return complain(w, w->token.line,
		    "syntax error: the text that begins here has no closing "
		    "quote");
	switch (w->expected) {
	case EXPECT_NAME: return name_wanted(w);
	case EXPECT_EQUALS: return equals_wanted(w);
	case EXPECT_VALUE: return value_wanted(w);
	case EXPECT_NEXT: return next_wanted(w);
	}
	return false;
}

static bool
walk(struct walk *w)
{
	do {
		w->token = scan_next(&w->scan);
		if (step(w))
			return true;
		w->previous = w->token;
		if (w->token.end_line > w->token.line)
			w->long_one = w->token;
	} while (w->token.kind != TOKEN_END);
	return false;
}

int
syntax_check(const char *text, const struct source *source, struct faults *f)
{
	struct walk w = { .depth = 1, .source = source, .faults = f };
	bool wrong;

	w.frames = calloc(DEPTH_MAX, sizeof(*w.frames));
	if (w.frames == NULL)
		return -1;
	scan_init(&w.scan, text);
	wrong = walk(&w);
	free(w.frames);
	return wrong ? 1 : 0;
}
