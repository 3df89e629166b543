#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static bool
is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t
text_utf8_len(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len;

	if (p[0] == '\0')
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	for (size_t i = 1; i < len; i++)
		if (!is_continuation(p[i]))
			return 0;
	/* Over-long forms, surrogates, and beyond U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

void
text_clean(char *text)
{
	while (*text != '\0') {
		size_t n = text_utf8_len(text);

		if (n == 0 || (n == 1 && (*text < 0x20 || *text == 0x7f))) {
			*text = '?';
			n = 1;
		}
		text += n;
	}
}

bool
text_is_name(const char *name)
{
	static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strlen(name);

	return len >= 1 && len <= TEXT_NAME_MAX && strspn(name, alnum) == len &&
	    strchr("._-", name[0]) == NULL && strcmp(name, "all") != 0;
}

#define WORD_MAX 63

static bool
same_letter(char a, char b)
{
	return strncasecmp(&a, &b, 1) == 0;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many slips make b of a, without regard to case: a letter too many, too
 * few or wrong, or two neighbours swapped (optimal string alignment).
 */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = smaller(above[j], row[j - 1]) + 1;
			row[j] = smaller(row[j],
			    above[j - 1] + !same_letter(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]))
				row[j] = smaller(
				    row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

const char *
text_nearest(const char *word, const char *const *candidates, size_t n)
{
	const char *nearest = NULL;
	size_t best = strlen(word) / 3 + 2; /* farther is no likeness */

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, candidates[i]);

		if (d < best) {
			best = d;
			nearest = candidates[i];
		}
	}
	return nearest;
}

int
text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end != '\0') {
		errno = EINVAL;
		return -1;
	}
	if (errno == ERANGE || value < min || value > max) {
		errno = ERANGE;
		return -1;
	}
	*ret = value;
	return 0;
}
