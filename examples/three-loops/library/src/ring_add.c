#include <errno.h>

#include "pocket.h"

int
pocket_ring_add(struct pocket_ring *ring, int item)
{
	(void)ring;
	(void)item;
	errno = ENOSYS;
	return -1;
}
