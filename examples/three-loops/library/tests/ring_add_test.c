#include "check.h"

int
main(void)
{
	struct pocket_ring ring = { 0 };

	for (int i = 0; i < 8; i++)
		CHECK(pocket_ring_add(&ring, i) == 0);
	CHECK(ring.count == 8 && ring.items[ring.first] == 0);
	CHECK(pocket_ring_add(&ring, 8) == 1);
	CHECK(pocket_ring_add(&ring, 9) == 1);
	CHECK(ring.count == 8 && ring.items[ring.first] == 2);
	CHECK(ring.items[(ring.first + 7) % 8] == 9);
	return 0;
}
