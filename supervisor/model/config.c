#include <string.h>

#include "base/hash.h"
#include "model/config.h"

const char *
config_text(const struct component_config *c, uint32_t offset)
{
	return c->text + offset;
}

const char *
config_item(
    const struct component_config *c, struct config_list list, uint32_t i)
{
	const char *item = c->text + list.offset;

	while (i-- > 0)
		item += strlen(item) + 1;
	return item;
}

static bool
list_is_valid(const struct component_config *c, struct config_list list)
{
	const char *p, *end = c->text + c->text_size;

	if (list.offset >= c->text_size)
		return false;
	p = c->text + list.offset;
	for (uint32_t i = 0; i < list.count; i++) {
		if (p >= end)
			return false;
		p += strlen(p) + 1;
	}
	return p <= end;
}

static bool
name_ends(const char name[static TEXT_NAME_MAX + 1])
{
	return memchr(name, '\0', TEXT_NAME_MAX + 1) != NULL;
}

bool
config_is_valid(const void *bytes, size_t n)
{
	const struct component_config *c = bytes;

	if (n < sizeof(*c) || n > CONFIG_SIZE_MAX || c->size != n ||
	    c->version != CONFIG_VERSION || c->text_size < 1 ||
	    c->text_size != n - sizeof(*c))
		return false;
	if (c->text[0] != '\0' || c->text[c->text_size - 1] != '\0' ||
	    !name_ends(c->name) || !name_ends(c->kind) ||
	    !text_is_name(c->name))
		return false;
	return c->title < c->text_size && c->working_directory < c->text_size &&
	    c->heartbeat_path < c->text_size && c->command.count > 0 &&
	    list_is_valid(c, c->command) && list_is_valid(c, c->fallback) &&
	    list_is_valid(c, c->environment) && list_is_valid(c, c->after) &&
	    c->ngroups <= CONFIG_GROUPS_MAX && c->restart.max_restarts >= 0 &&
	    c->restart.max_restarts < CONFIG_DEATHS_MAX;
}

static uint64_t
hash_list(
    uint64_t hash, const struct component_config *c, struct config_list list)
{
	hash = hash_bytes(hash, &list.count, sizeof(list.count));
	for (uint32_t i = 0; i < list.count; i++) {
		const char *item = config_item(c, list, i);

		hash = hash_bytes(hash, item, strlen(item) + 1);
	}
	return hash;
}

/* What a process is started with and keeps for life. */
static uint64_t
hash_start(const struct component_config *c)
{
	const char *directory = config_text(c, c->working_directory);
	uint64_t h = HASH_INIT;

	h = hash_list(h, c, c->command);
	h = hash_list(h, c, c->environment);
	h = hash_bytes(h, directory, strlen(directory) + 1);
	h = hash_bytes(h, &c->ready, sizeof(c->ready));
	h = hash_bytes(h, &c->heartbeat, sizeof(c->heartbeat));
	if (c->heartbeat == HEARTBEAT_NOTIFY) /* it stands in WATCHDOG_USEC */
		h = hash_bytes(h, &c->heartbeat_timeout_ms,
		    sizeof(c->heartbeat_timeout_ms));
	h = hash_bytes(h, &c->has_user, sizeof(c->has_user));
	h = hash_bytes(h, &c->uid, sizeof(c->uid));
	h = hash_bytes(h, &c->gid, sizeof(c->gid));
	h = hash_bytes(h, c->groups, sizeof(c->groups));
	h = hash_bytes(h, &c->umask, sizeof(c->umask));
	h = hash_bytes(h, &c->nice, sizeof(c->nice));
	h = hash_bytes(h, &c->oom_score_adj, sizeof(c->oom_score_adj));
	return hash_bytes(h, &c->no_new_privs, sizeof(c->no_new_privs));
}

void
config_seal(struct component_config *c)
{
	const unsigned char *from = (const unsigned char *)c->name;
	const unsigned char *end = (const unsigned char *)c + c->size;

	c->start_hash = hash_start(c);
	c->hash = hash_bytes(HASH_INIT, from, (size_t)(end - from));
}
