#include "check.h"

static void
wraps(const char *from, size_t width, long lines, const char *to)
{
	char text[64];

	strcpy(text, from);
	CHECK(pocket_wrap(text, width) == lines);
	CHECK(strcmp(text, to) == 0);
}

int
main(void)
{
	wraps("", 10, 0, "");
	wraps("  one two ", 10, 1, "one two");
	wraps("one two three", 7, 2, "one two\nthree");
	wraps("one two three four", 10, 2, "one two\nthree four");
	wraps("a verylongword b", 4, 3, "a\nverylongword\nb");
	return 0;
}
