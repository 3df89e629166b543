#include "check.h"

static void
trims(const char *from, const char *to)
{
	char text[64];

	strcpy(text, from);
	CHECK(pocket_trim(text) == (long)strlen(to));
	CHECK(strcmp(text, to) == 0);
}

int
main(void)
{
	trims("plain", "plain");
	trims("  both ends\t\n", "both ends");
	trims("left only   ", "left only");
	trims(" \t ", "");
	trims("", "");
	return 0;
}
