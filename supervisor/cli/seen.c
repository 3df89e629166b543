#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cli/seen.h"

#define NSLOTS (2 * SEEN_SIZE) /* never more than half full */

int
seen_init(struct seen *s)
{
	s->n = 0;
	s->slots[0] = calloc(NSLOTS, sizeof(uint64_t));
	s->slots[1] = calloc(NSLOTS, sizeof(uint64_t));
	if (s->slots[0] != NULL && s->slots[1] != NULL)
		return 0;
	seen_finish(s);
	return -1;
}

void
seen_finish(struct seen *s)
{
	free(s->slots[0]);
	free(s->slots[1]);
	*s = (struct seen){ 0 };
}

/* The slot of hash, or the empty one where it belongs. */
static uint64_t *
find(uint64_t *slots, uint64_t hash)
{
	size_t i = hash % NSLOTS;

	while (slots[i] != 0 && slots[i] != hash)
		i = (i + 1) % NSLOTS;
	return &slots[i];
}

bool
seen_add(struct seen *s, const char *id)
{
	uint64_t hash = hash_bytes(HASH_INIT, id, strlen(id)) | 1;
	uint64_t *slot = find(s->slots[0], hash);

	if (*slot == hash || *find(s->slots[1], hash) == hash)
		return true;
	if (s->n == SEEN_SIZE) {
		uint64_t *oldest = s->slots[1];

		s->slots[1] = s->slots[0];
		s->slots[0] = oldest;
		(void)memset(oldest, 0, NSLOTS * sizeof(uint64_t));
		s->n = 0;
		slot = find(oldest, hash);
	}
	*slot = hash;
	s->n++;
	return false;
}
