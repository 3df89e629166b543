#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

#include "store/overlap.h"

/* Two patterns full of stars could be compared in more ways than there is
 * time for; after so many steps the answer is yes. */
#define STEPS_MAX 20000

/* Past what the pattern's first character stands for. */
static const char *
past(const char *p)
{
	if (*p == '[') {
		const char *end = strchr(p, ']');

		if (end != NULL)
			return end + 1;
	}
	return p + 1;
}

static bool
is_any(char c)
{
	return c == '?' || c == '[';
}

/* One of the two is at its end: is the other one too, or does it go on below
 * what the first one names? */
static bool
ends_meet(const char *rest, char last)
{
	while (*rest == '*')
		rest++;
	return *rest == '\0' || *rest == '/' || last == '/';
}

static bool
meet(const char *a, const char *b, char last, int *steps)
{
	while (--*steps > 0) {
		if (*a == '\0')
			return ends_meet(b, last);
		if (*b == '\0')
			return ends_meet(a, last);
		if (*a == '*')
			return meet(a + 1, b, last, steps) ||
			    (*b == '*' ? meet(a, b + 1, last, steps)
				       : meet(a, past(b), *b, steps));
		if (*b == '*')
			return meet(b, a, last, steps);
		if (*a != *b && !is_any(*a) && !is_any(*b))
			return false;
		last = is_any(*a) ? *b : *a;
		a = past(a);
		b = past(b);
	}
	return true;
}

bool
overlap_patterns(const char *a, const char *b)
{
	int steps = STEPS_MAX;

	return meet(a, b, '\0', &steps);
}

static void
overlaps(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const unsigned char *a = sqlite3_value_text(argv[0]);
	const unsigned char *b = sqlite3_value_text(argv[1]);

	(void)argc;
	sqlite3_result_int(context,
	    a != NULL && b != NULL &&
		overlap_patterns((const char *)a, (const char *)b));
}

int
overlap_register(struct store *s)
{
	int rc = sqlite3_create_function_v2(s->db, "overlaps", 2,
	    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
	    overlaps, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_fail(s, rc, "overlaps()");
}
