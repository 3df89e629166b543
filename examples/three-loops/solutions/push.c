#include <errno.h>
#include <stdlib.h>

#include "pocket.h"

int
pocket_push(struct pocket_vector *vector, void *item)
{
	if (vector->count == vector->room) {
		size_t room = vector->room > 0 ? 2 * vector->room : 8;
		void **items = realloc(vector->items, room * sizeof(*items));

		if (items == NULL) {
			errno = ENOMEM;
			return -1;
		}
		vector->items = items;
		vector->room = room;
	}
	vector->items[vector->count++] = item;
	return 0;
}
