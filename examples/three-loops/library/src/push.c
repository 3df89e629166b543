#include <errno.h>

#include "pocket.h"

int
pocket_push(struct pocket_vector *vector, void *item)
{
	(void)vector;
	(void)item;
	errno = ENOSYS;
	return -1;
}
