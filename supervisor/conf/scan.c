#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "conf/scan.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

void
scan_init(struct scan *s, const char *text)
{
	*s = (struct scan){ .p = text, .line = 1 };
}

/* Goes on n bytes, counting lines. */
static void
advance(struct scan *s, size_t n)
{
	for (; n > 0; n--, s->p++)
		s->line += *s->p == '\n';
}

/* Length of the comment that begins at p; 0 when there is none, or when it
 * never ends. */
static size_t
comment_len(const char *p)
{
	const char *end;

	if (p[0] == '#' || (p[0] == '/' && p[1] == '/'))
		return strcspn(p, "\n");
	if (p[0] != '/' || p[1] != '*')
		return 0;
	end = strstr(p + 2, "*/");
	return end != NULL ? (size_t)(end + 2 - p) : 0;
}

static void
skip_blank(struct scan *s)
{
	size_t n;

	do {
		advance(s, strspn(s->p, " \t\n\r\f"));
		n = comment_len(s->p);
		advance(s, n);
	} while (n > 0);
}

/* Length of the string that begins at p, or 0 when it never ends. */
static size_t
string_len(const char *p)
{
	for (size_t i = 1; p[i] != '\0'; i++) {
		if (p[i] == '"')
			return i + 1;
		if (p[i] == '\\' && (p[i + 1] == '"' || p[i + 1] == '\\'))
			i++;
	}
	return 0;
}

/* A whole number may end with L or LL. */
static size_t
with_suffix(const char *p, size_t n)
{
	n += p[n] == 'L';
	return n + (p[n] == 'L' && p[n - 1] == 'L');
}

static size_t
number_len(const char *p)
{
	size_t sign = *p == '-' || *p == '+';
	size_t n = sign + strspn(p + sign, DIGITS);
	bool whole = p[n] != '.';

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		size_t hex = strspn(p + 2, DIGITS "abcdefABCDEF");

		if (hex > 0)
			return with_suffix(p, 2 + hex);
	}
	if (!whole)
		n += 1 + strspn(p + n + 1, DIGITS);
	if (n > sign && (p[n] == 'e' || p[n] == 'E')) {
		size_t e = n + 1 + (p[n + 1] == '-' || p[n + 1] == '+');
		size_t digits = strspn(p + e, DIGITS);

		if (digits > 0)
			return e + digits;
	}
	return whole && n > sign ? with_suffix(p, n) : n;
}

static size_t
word_len(const char *p, enum token_kind *ret_kind)
{
	size_t n;

	*ret_kind = TOKEN_NAME;
	if (*p == '*' || strchr(LETTERS, *p) != NULL) {
		n = strspn(p, LETTERS DIGITS "*-_");
		if ((n == 4 && strncasecmp(p, "true", 4) == 0) ||
		    (n == 5 && strncasecmp(p, "false", 5) == 0))
			*ret_kind = TOKEN_BOOL;
		return n;
	}
	n = number_len(p);
	if (strcspn(p, DIGITS) < n) {
		*ret_kind = TOKEN_NUMBER;
		return n;
	}
	if (strchr("=:,;{}[]()", *p) != NULL) {
		*ret_kind = TOKEN_MARK;
		return 1;
	}
	*ret_kind = TOKEN_GARBAGE;
	n = text_utf8_len(p);
	return n > 0 ? n : 1;
}

struct token
scan_next(struct scan *s)
{
	struct token t;

	skip_blank(s);
	t = (struct token){ .start = s->p, .line = s->line };
	if (*s->p == '\0') {
		t.kind = TOKEN_END;
	} else if (*s->p == '"') {
		t.len = string_len(s->p);
		t.kind = t.len > 0 ? TOKEN_STRING : TOKEN_OPEN;
	} else if (s->p[0] == '/' && s->p[1] == '*') {
		t.kind = TOKEN_OPEN;
	} else {
		t.len = word_len(s->p, &t.kind);
	}
	if (t.kind == TOKEN_OPEN)
		t.len = strlen(s->p);
	advance(s, t.len);
	t.end_line = s->line;
	return t;
}

bool
token_is(const struct token *t, char mark)
{
	return t->kind == TOKEN_MARK && t->start[0] == mark;
}
