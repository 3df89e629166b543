#include <stdlib.h>
#include <string.h>

#include "pocket.h"

static struct pocket_pair *
new_pair(const char *key, void *value)
{
	struct pocket_pair *pair = malloc(sizeof(*pair));

	if (pair == NULL)
		return NULL;
	pair->key = strdup(key);
	pair->value = value;
	if (pair->key == NULL) {
		free(pair);
		return NULL;
	}
	return pair;
}

int
pocket_put(struct pocket_map *map, const char *key, void *value)
{
	struct pocket_pair *pair;
	size_t i;

	for (i = 0; i < map->pairs.count; i++) {
		int order;

		pair = map->pairs.items[i];
		order = strcmp(pair->key, key);
		if (order == 0) {
			pair->value = value;
			return 0;
		}
		if (order > 0)
			break;
	}
	pair = new_pair(key, value);
	if (pair == NULL || pocket_push(&map->pairs, pair) < 0)
		return -1;
	memmove(&map->pairs.items[i + 1], &map->pairs.items[i],
	    (map->pairs.count - 1 - i) * sizeof(*map->pairs.items));
	map->pairs.items[i] = pair;
	return 1;
}
