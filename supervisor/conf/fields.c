/* Values into the fields they are for. */
#include <string.h>

#include "base/hash.h"
#include "conf/load.h"

#define WHY_SIZE 2048

const char *
load_directory(const struct load *l, const struct value *v)
{
	return v->at.source != NULL ? v->at.source->directory
				    : l->sources.first->directory;
}

int
load_find_program(const struct load *l, const struct draft *d, const char *word,
    const char *directory, char ret[static PATH_SIZE], struct buf *why)
{
	const char *variable = load_variable(d, "PATH");
	struct program_path path = l->programs;

	if (variable != NULL)
		path.variable = variable;
	return program_find(&path, word, directory, ret, why);
}

int
load_program(struct load *l, const struct draft *d, enum key_id id,
    char ret[static PATH_SIZE])
{
	const struct value *v = &d->values[id];
	char data[WHY_SIZE];
	struct buf why;

	buf_init(&why, data, sizeof(data));
	if (load_find_program(
		l, d, draft_word(v, 0), load_directory(l, v), ret, &why) == 0)
		return 0;
	fault_add(
	    &l->faults, v->at, "%s: %s: %s", v->owner, keys[id].name, why.data);
	return -1;
}

void
load_store(void *base, const struct key *key, int64_t number)
{
	unsigned char *field = (unsigned char *)base + key->offset;
	bool flag = number != 0;
	int32_t small = (int32_t)number;

	if (key->width == sizeof(flag))
		(void)memcpy(field, &flag, sizeof(flag));
	else if (key->width == sizeof(small))
		(void)memcpy(field, &small, sizeof(small));
	else
		(void)memcpy(field, &number, sizeof(number));
}

static uint64_t
hash_text(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text) + 1);
}

uint64_t
load_hash(const void *base, enum key_id first, enum key_id end)
{
	uint64_t hash = HASH_INIT;

	for (enum key_id id = first; id < end; id++) {
		const unsigned char *field =
		    (const unsigned char *)base + keys[id].offset;
		const char *text;
		char *const *words;

		if (key_is_number(&keys[id])) {
			hash = hash_bytes(hash, field, keys[id].width);
		} else if (keys[id].type == TYPE_COMMAND ||
		    keys[id].type == TYPE_WORDS) {
			(void)memcpy(&words, field, sizeof(words));
			for (; *words != NULL; words++)
				hash = hash_text(hash, *words);
		} else {
			(void)memcpy(&text, field, sizeof(text));
			hash = hash_text(hash, text);
		}
	}
	return hash;
}
