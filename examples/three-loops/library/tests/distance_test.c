#include "check.h"

int
main(void)
{
	char wide[80];

	CHECK(pocket_distance("", "") == 0);
	CHECK(pocket_distance("", "abc") == 3);
	CHECK(pocket_distance("kitten", "sitting") == 3);
	CHECK(pocket_distance("loop", "pool") == 2);
	CHECK(pocket_distance("keeper", "keeper") == 0);
	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	CHECK(pocket_distance(wide, "x") == -1 && errno == E2BIG);
	return 0;
}
