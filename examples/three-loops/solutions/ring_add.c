#include "pocket.h"

#define ROOM (sizeof(((struct pocket_ring *)0)->items) / sizeof(int))

int
pocket_ring_add(struct pocket_ring *ring, int item)
{
	ring->items[(ring->first + ring->count) % ROOM] = item;
	if (ring->count < ROOM) {
		ring->count++;
		return 0;
	}
	ring->first = (ring->first + 1) % ROOM;
	return 1;
}
