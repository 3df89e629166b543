#include <errno.h>

#include "pocket.h"

int
pocket_put(struct pocket_map *map, const char *key, void *value)
{
	(void)map;
	(void)key;
	(void)value;
	errno = ENOSYS;
	return -1;
}
