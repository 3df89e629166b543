#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/arena.h"

#define CHUNK_SIZE (32 * 1024)
#define ALIGNMENT  16

struct arena_chunk {
	struct arena_chunk *next;
	size_t used; /* of bytes */
	size_t size; /* of bytes */
	_Alignas(ALIGNMENT) unsigned char bytes[];
};

void *
arena_alloc(struct arena *a, size_t size)
{
	size_t room = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct arena_chunk *chunk = a->chunks;
	void *result;

	if (chunk == NULL || chunk->size - chunk->used < room) {
		size_t n = room > CHUNK_SIZE ? room : CHUNK_SIZE;

		chunk = calloc(1, sizeof(*chunk) + n);
		if (chunk == NULL)
			return NULL;
		chunk->size = n;
		chunk->next = a->chunks;
		a->chunks = chunk;
	}
	result = chunk->bytes + chunk->used;
	chunk->used += room;
	return result;
}

char *
arena_copy(struct arena *a, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_alloc(a, size);

	if (copy != NULL)
		(void)memcpy(copy, text, size);
	return copy;
}

void
arena_free(struct arena *a)
{
	while (a->chunks != NULL) {
		struct arena_chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
}
