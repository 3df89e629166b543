/* What a reload would do, told before it is done. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/keys.h"

#define KEYS_SIZE 1024

/* Whether two texts, each given by the offset in its field, are the same. */
static bool
same_text(const struct component_config *a, const struct component_config *b,
    size_t field)
{
	uint32_t x, y;

	(void)memcpy(&x, (const char *)a + field, sizeof(x));
	(void)memcpy(&y, (const char *)b + field, sizeof(y));
	return strcmp(config_text(a, x), config_text(b, y)) == 0;
}

static bool
same_list(const struct component_config *a, const struct component_config *b,
    size_t field)
{
	struct config_list x, y;

	(void)memcpy(&x, (const char *)a + field, sizeof(x));
	(void)memcpy(&y, (const char *)b + field, sizeof(y));
	if (x.count != y.count)
		return false;
	for (uint32_t i = 0; i < x.count; i++)
		if (strcmp(config_item(a, x, i), config_item(b, y, i)) != 0)
			return false;
	return true;
}

static bool
same_value(const struct key *key, const struct component_config *a,
    const struct component_config *b)
{
	const unsigned char *x = (const unsigned char *)a + key->offset;
	const unsigned char *y = (const unsigned char *)b + key->offset;

	if (key == &keys[KEY_USER])
		return a->has_user == b->has_user && a->uid == b->uid &&
		    a->ngroups == b->ngroups &&
		    memcmp(a->groups, b->groups, sizeof(a->groups)) == 0;
	if (key == &keys[KEY_TITLE] || key->type == TYPE_PATH)
		return same_text(a, b, key->offset);
	if (key->type == TYPE_WORDS || key->type == TYPE_COMMAND ||
	    key->type == TYPE_ENVIRONMENT)
		return same_list(a, b, key->offset);
	return memcmp(x, y, key->width) == 0;
}

static void
add_name(struct buf *names, const char *name)
{
	buf_addf(names, "%s%s", names->len > 0 ? ", " : "", name);
}

/*
 * The keys that differ: those that need a restart when restart says so, else
 * the others.
 */
static void
add_changed(const struct component_config *a, const struct component_config *b,
    bool restart, struct buf *names)
{
	for (int id = KEY_FIRST_OF_COMPONENT; id < KEY_COUNT; id++) {
		const struct key *key = &keys[id];
		/* Only a client of sd_notify was told its timeout. */
		bool needs = key->restart &&
		    (id != KEY_HEARTBEAT_TIMEOUT ||
			b->heartbeat == HEARTBEAT_NOTIFY);

		if (key->home == HOME_COMPONENT && needs == restart &&
		    !same_value(key, a, b))
			add_name(names, key->name);
	}
	/* What differs in the hash alone is what the program reads itself. */
	if (restart && names->len == 0)
		add_name(names, b->is_loop ? "loop" : "its own group");
}

static void
print_change(const struct component_config *a, const struct component_config *b,
    FILE *out)
{
	bool restart = a->start_hash != b->start_hash;
	char data[KEYS_SIZE];
	struct buf names;

	buf_init(&names, data, sizeof(data));
	add_changed(a, b, restart, &names);
	if (restart)
		(void)fprintf(out, "~ %s: restart (%s)\n", b->name, data);
	else
		(void)fprintf(out, "~ %s: in place (%s)\n", b->name, data);
}

static const struct component_config *
find(struct component_config *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i]->name, name) == 0)
			return list[i];
	return NULL;
}

int
conf_print_difference(struct component_config *const *old, size_t nold,
    struct component_config *const *new, size_t nnew, FILE *out)
{
	int n = 0;

	for (size_t i = 0; i < nold; i++) {
		if (find(new, nnew, old[i]->name) == NULL) {
			(void)fprintf(out, "- %s\n", old[i]->name);
			n++;
		}
	}
	for (size_t i = 0; i < nnew; i++) {
		const struct component_config *was =
		    find(old, nold, new[i]->name);

		if (was != NULL && was->hash == new[i]->hash &&
		    was->start_hash == new[i]->start_hash)
			continue;
		if (was == NULL)
			(void)fprintf(out, "+ %s\n", new[i]->name);
		else
			print_change(was, new[i], out);
		n++;
	}
	return n;
}
