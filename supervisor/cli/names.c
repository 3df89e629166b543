#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/io.h"
#include "cli/names.h"
#include "system/rundir.h"

int
names_add(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], name) == 0)
			return 0;
	if (names->n == names->size) {
		size_t size = names->size == 0 ? 16 : 2 * names->size;
		void *items =
		    reallocarray(names->items, size, sizeof(names->items[0]));

		if (items == NULL)
			return -1;
		names->items = items;
		names->size = size;
	}
	(void)strlcpy(names->items[names->n++], name, sizeof(names->items[0]));
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return strverscmp(a, b);
}

/* Adds what lies in run/c and isn't there yet, as loop-2 before loop-10. */
static int
add_running(struct names *names, const char *state_directory)
{
	size_t first = names->n;
	struct dirent *entry;
	int fd, result = 0, rundir = rundir_open(state_directory);
	DIR *dir;

	if (rundir < 0)
		return 0;
	fd = openat(rundir, "c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	io_close(&rundir);
	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (dir == NULL) {
		io_close(&fd);
		return -1;
	}
	while (result == 0 && (entry = readdir(dir)) != NULL)
		if (text_is_name(entry->d_name))
			result = names_add(names, entry->d_name);
	(void)closedir(dir);
	if (names->n > first)
		qsort(names->items + first, names->n - first,
		    sizeof(names->items[0]), compare);
	return result;
}

int
names_read(struct names *names, const struct cli *cli, const struct conf *conf)
{
	(void)memset(names, 0, sizeof(*names));
	for (size_t i = 0; conf != NULL && i < conf->fleet.ncomponents; i++)
		if (names_add(names, conf->components[i]->name) < 0)
			return -1;
	return add_running(names, cli->state_directory);
}

void
names_free(struct names *names)
{
	free(names->items);
	(void)memset(names, 0, sizeof(*names));
}

bool
names_is_prefix(const char *word, const char *name)
{
	return strncasecmp(word, name, strlen(word)) == 0;
}

enum names_match
names_match(const struct names *names, const char *word, size_t *ret)
{
	size_t found = 0;

	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], word) == 0) {
			*ret = i;
			return NAMES_ONE;
		}
	for (size_t i = 0; i < names->n; i++)
		if (strcasecmp(names->items[i], word) == 0) {
			*ret = i;
			return NAMES_ONE;
		}
	for (size_t i = names->n; word[0] != '\0' && i-- > 0;)
		if (names_is_prefix(word, names->items[i])) {
			*ret = i;
			found++;
		}
	return found == 0 ? NAMES_NONE : found == 1 ? NAMES_ONE : NAMES_SEVERAL;
}

const char *
names_nearest(const struct names *names, const char *word)
{
	const char *nearest = NULL;

	for (size_t i = 0; i < names->n; i++) {
		const char *both[] = { nearest, names->items[i] };
		size_t skipped = nearest == NULL;

		nearest = text_nearest(word, both + skipped, 2 - skipped);
	}
	return nearest;
}

struct conf *
names_load_conf(const struct cli *cli)
{
	struct conf *conf;
	FILE *nowhere = fopen("/dev/null", "we");

	if (nowhere == NULL)
		return NULL;
	conf = conf_load(cli->config_path, nowhere);
	(void)fclose(nowhere);
	return conf;
}
