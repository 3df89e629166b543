#include "check.h"

int
main(void)
{
	struct pocket_vector v = { 0 };
	int items[1000];

	for (size_t i = 0; i < 1000; i++)
		CHECK(pocket_push(&v, &items[i]) == 0);
	CHECK(v.count == 1000 && v.room >= 1000);
	for (size_t i = 0; i < 1000; i++)
		CHECK(v.items[i] == &items[i]);
	free(v.items);
	return 0;
}
