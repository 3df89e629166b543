#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/names.h"
#include "system/rundir.h"

#define LISTED_MAX 8 /* of several that may be meant */

int
names_add(struct names *names, const char *name)
{
	void *items =
	    reallocarray(names->items, names->n + 1, sizeof(names->items[0]));

	if (items == NULL)
		return -1;
	names->items = items;
	(void)strlcpy(names->items[names->n++], name, sizeof(names->items[0]));
	return 0;
}

int
names_add_new(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], name) == 0)
			return 0;
	return names_add(names, name);
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
			result = names_add_new(names, entry->d_name);
	(void)closedir(dir);
	if (names->n > first)
		qsort(names->items + first, names->n - first,
		    sizeof(names->items[0]), compare);
	return result;
}

int
names_read(
    struct names *names, const char *state_directory, const struct conf *conf)
{
	(void)memset(names, 0, sizeof(*names));
	for (size_t i = 0; conf != NULL && i < conf->fleet.ncomponents; i++)
		if (names_add(names, conf->components[i]->name) < 0)
			return -1;
	return add_running(names, state_directory);
}

void
names_free(struct names *names)
{
	free(names->items);
	(void)memset(names, 0, sizeof(*names));
}

static bool
is_prefix(const char *word, const char *name)
{
	return strncasecmp(word, name, strlen(word)) == 0;
}

enum names_match
names_match(const struct names *names, const char *word, const char **ret)
{
	const char *same = NULL, *prefix = NULL;
	size_t nprefixes = 0;

	for (size_t i = names->n; i-- > 0;) {
		const char *name = names->items[i];

		if (strcmp(name, word) == 0) {
			*ret = name;
			return NAMES_ONE;
		}
		if (strcasecmp(name, word) == 0)
			same = name;
		if (word[0] != '\0' && is_prefix(word, name)) {
			prefix = name;
			nprefixes++;
		}
	}
	*ret = same != NULL ? same : prefix;
	if (same == NULL && nprefixes > 1)
		return NAMES_SEVERAL;
	return *ret != NULL ? NAMES_ONE : NAMES_NONE;
}

void
names_list(const struct names *names, const char *word, char *buf, size_t size)
{
	size_t n = 0;
	struct buf b;

	buf_init(&b, buf, size);
	for (size_t i = 0; i < names->n; i++)
		if (is_prefix(word, names->items[i]) && n++ < LISTED_MAX)
			buf_addf(
			    &b, "%s%s", n > 1 ? ", " : "", names->items[i]);
	if (n > LISTED_MAX)
		buf_addf(&b, " and %zu more", n - LISTED_MAX);
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
