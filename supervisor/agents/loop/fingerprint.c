#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agents/loop/fingerprint.h"
#include "base/hash.h"

#define LINES_MAX 40

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "3fa9c02", "0x7ffd1c": the length of such a word, or 0. */
static size_t
hex_length(const char *p)
{
	size_t n = p[0] == '0' && p[1] == 'x' ? 2 : 0;
	bool has_digit = n > 0;

	for (; is_hex(p[n]); n++)
		has_digit |= is_digit(p[n]);
	return has_digit && !isalnum((unsigned char)p[n]) ? n : 0;
}

/* "12", "1.25", "14:02:11". */
static size_t
number_length(const char *p)
{
	size_t n = 0;

	while (is_digit(p[n]) ||
	    (n > 0 && p[n] != '\0' && strchr(".,:", p[n]) != NULL &&
		is_digit(p[n + 1])))
		n++;
	return n;
}

/* What begins here and is taken for one character, *ret: its length. */
static size_t
take(const char *p, bool in_word, char *ret)
{
	size_t n = in_word ? 0 : hex_length(p);
	size_t number = number_length(p);

	*ret = '0';
	if (n > 0 || number > 0)
		return n > number ? n : number;
	*ret = p[0];
	if (!is_blank(p[0]))
		return 1;
	*ret = ' ';
	return strspn(p, " \t");
}

static uint64_t
hash_text(uint64_t hash, const char *p, const char *checkout)
{
	size_t len = strlen(checkout);
	bool in_word = false;
	char c;

	while (*p != '\0') {
		if (len > 0 && strncmp(p, checkout, len) == 0) {
			p += len;
			continue;
		}
		p += take(p, in_word, &c);
		in_word = isalnum((unsigned char)c) != 0;
		hash = hash_bytes(hash, &c, 1);
	}
	return hash;
}

static const char *
last_lines(const char *text)
{
	const char *p = text + strlen(text);

	for (int n = 0; p > text; p--)
		if (p[-1] == '\n' && n++ == LINES_MAX)
			break;
	return p;
}

void
fingerprint_make(char ret[static ATTEMPT_FINGERPRINT_SIZE], const char *title,
    const char *output, const char *checkout)
{
	uint64_t hash = hash_text(HASH_INIT, title, checkout);

	hash = hash_bytes(hash, "\n", 1);
	hash = hash_text(hash, last_lines(output), checkout);
	(void)snprintf(ret, ATTEMPT_FINGERPRINT_SIZE, "%016" PRIx64, hash);
}
