/*
 * Where presets and the shipped prompt are found, and a preset's program. A
 * preset is read once, however many loops name it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/load.h"
#include "conf/preset_file.h"
#include "conf/resolve.h"

#define PLACES	 3
#define WHY_SIZE 2048

/* A preset as its file has it. */
struct preset_entry {
	struct preset_entry *next;
	const struct source *source;
	struct worker_preset preset;
};

/* name in the i-th directory where what is shipped is sought for v. Returns
 * false where there is no such directory. */
static bool
place_at(const struct load *l, const struct value *v, int i, const char *name,
    char ret[static PATH_SIZE])
{
	char below[PATH_SIZE];

	if (i == 0)
		return path_format(ret, "%s/%s", load_directory(l, v), name) ==
		    0;
	if (i == 1)
		return path_format(ret, "%s/%s", DATADIR, name) == 0;
	(void)path_format(below, "../../config/%s", name);
	return l->programs.beside[0] != '\0' &&
	    resolve_path(ret, l->programs.beside, below) == 0;
}

int
load_shipped(const struct load *l, const struct value *v, const char *name,
    char ret[static PATH_SIZE])
{
	for (int i = 0; i < PLACES; i++)
		if (place_at(l, v, i, name, ret) && access(ret, F_OK) == 0)
			return 0;
	errno = ENOENT;
	return -1;
}

void
load_add_places(const struct load *l, const struct value *v, const char *name,
    struct buf *out)
{
	char path[PATH_SIZE];

	for (int i = 0; i < PLACES; i++)
		if (place_at(l, v, i, name, path))
			buf_addf(out, "%s%s", i > 0 ? ", " : "", path);
}

/* Keeps the nearest name of the presets in a directory. */
static void
liken(const char *directory, const char *word, char nearest[static 64])
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char name[64];
		const char *names[] = { nearest, name };
		size_t len = strcspn(entry->d_name, ".");
		size_t skip = nearest[0] == '\0';

		if (len == 0 || len >= sizeof(name) ||
		    strcmp(entry->d_name + len, ".conf") != 0)
			continue;
		(void)memcpy(name, entry->d_name, len);
		name[len] = '\0';
		if (text_nearest(word, names + skip, 2 - skip) == name)
			(void)memcpy(nearest, name, len + 1);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

void
load_explain_preset(const struct load *l, const struct value *v,
    const char *word, struct buf *out)
{
	char path[PATH_SIZE], nearest[64] = "";

	for (int i = 0; i < PLACES; i++)
		if (place_at(l, v, i, "workers", path))
			liken(path, word, nearest);
	buf_addf(out, "no preset \"%s\"", word);
	if (nearest[0] != '\0')
		buf_addf(out, ": did you mean \"%s\"?", nearest);
	buf_add(out, " (sought in ");
	load_add_places(l, v, "workers", out);
	buf_add(out, ")");
}

/* The preset's file, read now or before; NULL with ENOMEM. */
static const struct preset_entry *
read_once(
    struct load *l, const struct value *v, const char *word, const char *path)
{
	struct preset_reader r = { .keep = l->keep, .faults = &l->faults };
	struct preset_entry *new;

	for (new = l->presets; new != NULL; new = new->next)
		if (strcmp(new->source->path, path) == 0)
			return new;
	new = arena_alloc(&l->scratch, sizeof(*new));
	if (new == NULL || source_add_file(&l->preset_files, path, v->at) < 0)
		return NULL;
	new->source = l->preset_files.last;
	new->preset.name = arena_copy(l->keep, word);
	r.source = new->source;
	if (new->preset.name == NULL || preset_read(&r, &new->preset) < 0)
		return NULL;
	new->next = l->presets;
	l->presets = new;
	return new;
}

/* The command with the program's path in front; NULL with ENOMEM. */
static char **
with_program(struct load *l, char *const *words, const char *program)
{
	size_t n = 0;
	char **copy;

	while (words[n] != NULL)
		n++;
	copy = arena_alloc(l->keep, (n + 1) * sizeof(*copy));
	if (copy == NULL || n == 0)
		return copy;
	(void)memcpy(copy, words, n * sizeof(*copy));
	copy[0] = arena_copy(l->keep, program);
	return copy[0] != NULL ? copy : NULL;
}

/* One command of a preset, its program found for this component. */
static char **
resolve(struct load *l, const struct draft *d, enum key_id id,
    const struct preset_entry *entry, char *const *words)
{
	const struct value *v = &d->values[id];
	char program[PATH_SIZE] = "", data[WHY_SIZE];
	struct buf why;

	buf_init(&why, data, sizeof(data));
	if (words[0] != NULL &&
	    load_find_program(
		l, d, words[0], entry->source->directory, program, &why) < 0)
		fault_add(&l->faults, v->at, "%s: %s: preset %s: %s", v->owner,
		    keys[id].name, entry->preset.name, data);
	return with_program(l, words, program);
}

int
load_preset(struct load *l, const struct draft *d, enum key_id id,
    const struct worker_preset **ret)
{
	const struct value *v = &d->values[id];
	char name[TEXT_NAME_MAX + sizeof("workers/.conf")], path[PATH_SIZE];
	const struct preset_entry *entry;
	struct worker_preset *preset;

	*ret = NULL;
	if (!load_may_be_preset(v))
		return 0;
	(void)snprintf(name, sizeof(name), "workers/%s.conf", draft_word(v, 0));
	if (load_shipped(l, v, name, path) < 0)
		return 0;
	entry = read_once(l, v, draft_word(v, 0), path);
	preset = arena_alloc(l->keep, sizeof(*preset));
	if (entry == NULL || preset == NULL)
		return -1;
	*preset = entry->preset;
	preset->argv = resolve(l, d, id, entry, entry->preset.argv);
	preset->resume = resolve(l, d, id, entry, entry->preset.resume);
	if (preset->argv == NULL || preset->resume == NULL)
		return -1;
	*ret = preset;
	return 0;
}

bool
load_may_be_preset(const struct value *v)
{
	return v->setting != NULL &&
	    config_setting_type(v->setting) == CONFIG_TYPE_STRING &&
	    text_is_name(draft_word(v, 0));
}
