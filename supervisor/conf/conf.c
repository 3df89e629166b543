#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "conf/holder.h"
#include "conf/load.h"

struct conf *
conf_load(const char *path, FILE *errors)
{
	return load_text(path, NULL, 0, errors);
}

void
conf_free(struct conf *conf)
{
	struct holder *holder = (struct holder *)conf;

	if (holder == NULL)
		return;
	arena_free(&holder->arena);
	free(holder);
}

const struct loop_config *
conf_loop(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->nloops; i++)
		if (strcmp(conf->loops[i].name, name) == 0)
			return &conf->loops[i];
	return NULL;
}

bool
conf_has_loop(const struct conf *conf, const char *name)
{
	for (uint32_t i = 0; i < conf->fleet.ncomponents; i++)
		if (strcmp(conf->components[i]->name, name) == 0)
			return conf->components[i]->enabled &&
			    conf_loop(conf, name) != NULL;
	return false;
}

int
conf_write_flat(const struct conf *conf, int fd)
{
	if (io_write_all(fd, &conf->fleet, sizeof(conf->fleet)) < 0)
		return -1;
	for (uint32_t i = 0; i < conf->fleet.ncomponents; i++)
		if (io_write_all(
			fd, conf->components[i], conf->components[i]->size) < 0)
			return -1;
	return 0;
}
