#include <stdlib.h>
#include <string.h>

#include "pocket.h"

int
pocket_put(struct pocket_map *map, const char *key, void *value)
{
	struct pocket_pair *pair = malloc(sizeof(*pair));

	if (pair == NULL)
		return -1;
	pair->key = strdup(key);
	pair->value = value;
	return pocket_push(&map->pairs, pair) < 0 ? -1 : 1;
}
