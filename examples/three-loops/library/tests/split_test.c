#include "check.h"

int
main(void)
{
	char text[] = " red, green ,,blue ", *parts[4], *one[1];
	char single[] = "alone";

	CHECK(pocket_split(text, ',', parts, 4) == 4);
	CHECK(strcmp(parts[0], "red") == 0);
	CHECK(strcmp(parts[1], "green") == 0);
	CHECK(strcmp(parts[2], "") == 0);
	CHECK(strcmp(parts[3], "blue") == 0);
	CHECK(pocket_split(single, ',', one, 1) == 1);
	CHECK(strcmp(one[0], "alone") == 0);
	strcpy(text, "a:b:c");
	CHECK(pocket_split(text, ':', one, 1) == 3);
	CHECK(pocket_split(text, ':', one, 0) == -1 && errno == EINVAL);
	return 0;
}
