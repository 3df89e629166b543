#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "control/roster.h"

#define ALIGN(n) (((n) + 15) & ~(size_t)15)

/* A cursor over what the helper wrote. */
struct reader {
	const char *bytes;
	size_t left;
};

/* The size of the next component, 0 when it is none. Its bytes may lie at any
 * address, its struct may not: only the size is looked at in place. */
static size_t
next_size(const struct reader *r)
{
	uint32_t size;

	if (r->left < sizeof(struct component_config))
		return 0;
	(void)memcpy(&size, r->bytes + offsetof(struct component_config, size),
	    sizeof(size));
	return size >= sizeof(struct component_config) && size <= r->left ? size
									  : 0;
}

static int
read_head(struct reader *r, struct fleet_config *ret)
{
	if (r->left < sizeof(*ret))
		return -1;
	(void)memcpy(ret, r->bytes, sizeof(*ret));
	r->bytes += sizeof(*ret);
	r->left -= sizeof(*ret);
	return ret->magic == FLEET_MAGIC && ret->version == CONFIG_VERSION &&
		ret->ncomponents <= CONFIG_COMPONENTS_MAX
	    ? 0
	    : -1;
}

static int
read_components(struct roster *ret, struct reader r)
{
	char *at = ret->memory;

	for (uint32_t i = 0; i < ret->fleet.ncomponents; i++) {
		size_t size = next_size(&r);
		void *place = at;
		struct component_config *c = place;

		if (size == 0)
			return -1;
		(void)memcpy(at, r.bytes, size);
		r.bytes += size;
		r.left -= size;
		if (!config_is_valid(c, size))
			return -1;
		if (!c->enabled)
			continue;
		ret->components[ret->n++] = c;
		at += ALIGN(size);
	}
	return r.left == 0 ? 0 : -1;
}

static int
build_order(struct roster *r)
{
	r->order.size = order_count(r->components, r->n);
	r->order.edges = calloc(r->order.size + 1, sizeof(*r->order.edges));
	if (r->order.edges == NULL)
		return -1;
	order_build(&r->order, r->components, r->n);
	return 0;
}

int
roster_read(struct roster *ret, const char *bytes, size_t size)
{
	struct reader reader = { .bytes = bytes, .left = size };
	struct roster r = { 0 };

	if (read_head(&reader, &r.fleet) < 0) {
		errno = EPROTO;
		return -1;
	}
	r.components = calloc(r.fleet.ncomponents + 1, sizeof(*r.components));
	r.memory = malloc(reader.left + 16 * (size_t)r.fleet.ncomponents + 1);
	if (r.components == NULL || r.memory == NULL)
		goto fail;
	if (read_components(&r, reader) < 0) {
		errno = EPROTO;
		goto fail;
	}
	if (build_order(&r) < 0)
		goto fail;
	*ret = r;
	return 0;
fail:
	roster_free(&r);
	return -1;
}

int
roster_read_file(struct roster *ret, int rundir)
{
	struct stat st;
	size_t size;
	char *bytes;
	ssize_t n;
	int result = -1;

	if (fstatat(rundir, ROSTER_FILE, &st, 0) < 0)
		return -1;
	size = (size_t)st.st_size + 2;
	bytes = malloc(size);
	if (bytes == NULL)
		return -1;
	n = io_read_file(rundir, ROSTER_FILE, bytes, size);
	if (n >= 0)
		result = roster_read(ret, bytes, (size_t)n);
	free(bytes);
	return result;
}

void
roster_free(struct roster *r)
{
	int saved = errno;

	free(r->order.edges);
	free(r->components);
	free(r->memory);
	*r = (struct roster){ 0 };
	errno = saved;
}

size_t
roster_find(const struct roster *r, const char *name)
{
	size_t i = 0;

	while (i < r->n && strcmp(r->components[i]->name, name) != 0)
		i++;
	return i;
}
