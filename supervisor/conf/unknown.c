#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "conf/unknown.h"

#define HINT_SIZE 512

/* The part of a key's name after its last dot. */
static const char *
last_part(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL ? dot + 1 : name;
}

/* "restart = { delay = ...; }", or the name of a key that has no group. */
static void
add_written(enum key_id id, struct buf *out)
{
	const char *name = keys[id].name;
	const char *dot = strchr(name, '.');

	if (dot != NULL)
		buf_addf(out, "%.*s = { %s = ...; }", (int)(dot - name), name,
		    dot + 1);
	else
		buf_addf(out, "%s = ...", name);
}

/* Where a key belongs that stands in the wrong group. */
static void
add_place(const struct reader *r, enum key_id id, struct buf *out)
{
	bool dotted = strchr(keys[id].name, '.') != NULL;

	buf_add(out, ": it belongs in ");
	if (id >= r->first && id < r->end) {
		if (dotted)
			add_written(id, out);
		else
			buf_add(out, "the group around this one");
		return;
	}
	buf_add(out,
	    id < KEY_FIRST_OF_COMPONENT ? "the top level of the file"
					: "a component, or in defaults");
	if (dotted) {
		buf_add(out, ", as ");
		add_written(id, out);
	}
}

/* Whether word is the last part of the key's name, or its group. */
static bool
is_part(enum key_id id, const char *word)
{
	const char *name = keys[id].name;
	size_t len = strlen(word);

	return strcmp(last_part(name), word) == 0 ||
	    (strncmp(name, word, len) == 0 && name[len] == '.');
}

/* A key of this very name, in another group. */
static bool
find_elsewhere(const struct reader *r, const char *word, struct buf *out)
{
	/* Keys that the same reader takes are likelier than others. */
	for (int pass = 0; pass < 2; pass++) {
		for (enum key_id id = 0; id < KEY_COUNT; id++) {
			bool ours = id >= r->first && id < r->end;

			if (ours != (pass == 0) || !is_part(id, word))
				continue;
			if (id == KEY_NAME && r->first == KEY_NAME + 1)
				buf_add(out, ": each component has its own");
			else
				add_place(r, id, out);
			return true;
		}
	}
	return false;
}

/* The only one of the names that begins with word, or that word begins with;
 * NULL for none or several. */
static const char *
find_longer(const char *word, const char *const *list, size_t n)
{
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t a = strlen(word), b = strlen(list[i]);

		if (a < 3 || strncmp(word, list[i], a < b ? a : b) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = list[i];
	}
	return found;
}

/*
 * The names that may stand in this group: keys, and groups of keys. They are
 * cut out of the table into names, which has room for all.
 */
static size_t
names_here(const struct reader *r, const char *prefix,
    char names[KEY_COUNT][64], const char *list[KEY_COUNT])
{
	size_t len = strlen(prefix), n = 0;

	for (enum key_id id = r->first; id < r->end; id++) {
		const char *name = keys[id].name;
		size_t part;

		if (strncmp(name, prefix, len) != 0)
			continue;
		part = strcspn(name + len, ".");
		if (n > 0 && strlen(names[n - 1]) == part &&
		    strncmp(names[n - 1], name + len, part) == 0)
			continue;
		(void)snprintf(
		    names[n], sizeof(names[n]), "%.*s", (int)part, name + len);
		list[n] = names[n];
		n++;
	}
	return n;
}

/* "restart_delay" for restart = { delay }. */
static bool
find_dotted(const struct reader *r, const char *word, struct buf *out)
{
	const char *list[KEY_COUNT], *nearest;
	size_t n = 0;

	for (enum key_id id = r->first; id < r->end; id++)
		if (strchr(keys[id].name, '.') != NULL)
			list[n++] = keys[id].name;
	nearest = text_nearest(word, list, n);
	if (nearest == NULL)
		return false;
	for (enum key_id id = r->first; id < r->end; id++) {
		if (keys[id].name == nearest) {
			buf_add(out, ": did you mean ");
			add_written(id, out);
			buf_add(out, "?");
		}
	}
	return true;
}

static void
add_hint(const struct reader *r, const char *word, const char *prefix,
    struct buf *out)
{
	char names[KEY_COUNT][64];
	const char *list[KEY_COUNT], *nearest;
	size_t n = names_here(r, prefix, names, list);

	if (find_elsewhere(r, word, out))
		return;
	nearest = text_nearest(word, list, n);
	if (nearest == NULL && find_dotted(r, word, out))
		return;
	if (nearest == NULL)
		nearest = find_longer(word, list, n);
	if (nearest != NULL) {
		buf_addf(out, ": did you mean \"%s\"?", nearest);
		return;
	}
	if (n > 14) {
		buf_add(out,
		    ": `loopkeeper check-config --defaults` lists "
		    "them all");
		return;
	}
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s%s", i == 0 ? ": known are " : ", ", list[i]);
}

void
unknown_key(
    const struct reader *r, const config_setting_t *setting, const char *prefix)
{
	const char *word = config_setting_name(setting);
	char data[HINT_SIZE];
	struct buf hint;
	int len = (int)strlen(prefix);

	buf_init(&hint, data, sizeof(data));
	add_hint(r, word, prefix, &hint);
	fault_add(r->faults,
	    (struct place){ r->source, config_setting_source_line(setting) },
	    "%s%sunknown key \"%.60s\"%s%.*s%s", r->owner,
	    r->owner[0] != '\0' ? ": " : "", word, len > 0 ? " in " : "",
	    len > 0 ? len - 1 : 0, prefix, hint.data);
}
