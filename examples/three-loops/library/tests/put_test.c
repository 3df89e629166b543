#include "check.h"

static const char *
value_of(struct pocket_map *map, size_t i)
{
	return ((struct pocket_pair *)map->pairs.items[i])->value;
}

int
main(void)
{
	struct pocket_map map = { 0 };
	char key[] = "pear";

	CHECK(pocket_put(&map, key, "green") == 1);
	key[0] = 'b';
	CHECK(pocket_put(&map, "plum", "blue") == 1);
	CHECK(pocket_put(&map, "apple", "red") == 1);
	CHECK(pocket_put(&map, "pear", "yellow") == 0);
	CHECK(map.pairs.count == 3);
	CHECK(strcmp(value_of(&map, 0), "red") == 0);
	CHECK(strcmp(value_of(&map, 1), "yellow") == 0);
	CHECK(strcmp(value_of(&map, 2), "blue") == 0);
	return 0;
}
