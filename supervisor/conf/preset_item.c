/* One key of a preset's file into the field that it is for. */
#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "base/duration.h"
#include "base/text.h"
#include "conf/preset_file.h"
#include "conf/setting.h"

#define TEXT_SIZE 512
#define NAMES_MAX 16

struct place
preset_place(const struct preset_reader *r, const config_setting_t *setting)
{
	return (struct place){ r->source, config_setting_source_line(setting) };
}

void
preset_must_be(struct preset_reader *r, const config_setting_t *setting,
    const char *name, const char *expected)
{
	char data[TEXT_SIZE];
	struct buf got;

	buf_init(&got, data, sizeof(data));
	setting_show(setting, &got);
	fault_add(r->faults, preset_place(r, setting),
	    "%s: %s must be %s, not %s", r->owner, name, expected, data);
}

const char *
preset_keep_text(struct preset_reader *r, const char *text)
{
	const char *copy = arena_copy(r->keep, text);

	if (copy == NULL)
		r->no_memory = true;
	return copy != NULL ? copy : "";
}

static const char *
read_text(
    struct preset_reader *r, const config_setting_t *setting, const char *name)
{
	const char *text = config_setting_get_string(setting);

	if (text == NULL) {
		preset_must_be(r, setting, name, "a text in quotes");
		return "";
	}
	return preset_keep_text(r, text);
}

/* One text is a list of it. */
static char **
read_words(
    struct preset_reader *r, const config_setting_t *setting, const char *name)
{
	bool one = config_setting_type(setting) == CONFIG_TYPE_STRING;
	int n = one ? 1 : config_setting_length(setting);
	char **words = arena_alloc(r->keep, ((size_t)n + 1) * sizeof(*words));

	if (words == NULL) {
		r->no_memory = true;
		return NULL;
	}
	if (!one && !setting_is_list(setting)) {
		preset_must_be(r, setting, name,
		    "a list of texts, such as [ \"a\", \"b\" ]");
		return words;
	}
	for (int i = 0; i < n; i++) {
		const char *word = one
		    ? config_setting_get_string(setting)
		    : config_setting_get_string_elem(setting, i);

		words[i] = arena_copy(r->keep, word != NULL ? word : "");
		if (words[i] == NULL)
			r->no_memory = true;
		if (word == NULL) {
			preset_must_be(r,
			    config_setting_get_elem(setting, (unsigned)i), name,
			    "a list of texts in quotes");
			break;
		}
	}
	return words;
}

static void
read_duration(struct preset_reader *r, const config_setting_t *setting,
    const char *name, int64_t *ret)
{
	const char *text = config_setting_get_string(setting);

	if (text == NULL || duration_parse(text, ret) < 0)
		preset_must_be(r, setting, name,
		    "a duration, such as \"90s\" or \"1h30m\"");
}

static void
read_choice(struct preset_reader *r, const config_setting_t *setting,
    const struct preset_item *item, int *ret)
{
	const char *text = config_setting_get_string(setting);
	const char *nearest;
	char data[TEXT_SIZE];
	struct buf list;
	size_t n = 0;

	buf_init(&list, data, sizeof(data));
	for (; item->choices[n] != NULL; n++) {
		if (text != NULL && strcmp(item->choices[n], text) == 0) {
			*ret = (int)n;
			return;
		}
		buf_addf(&list, "%s\"%s\"",
		    n == 0			       ? ""
			: item->choices[n + 1] == NULL ? " or "
						       : ", ",
		    item->choices[n]);
	}
	nearest = text != NULL ? text_nearest(text, item->choices, n) : NULL;
	if (nearest != NULL)
		fault_add(r->faults, preset_place(r, setting),
		    "%s: %s must be %s, not \"%.60s\": did you mean \"%s\"?",
		    r->owner, item->name, data, text, nearest);
	else
		preset_must_be(r, setting, item->name, data);
}

static void
read_int(struct preset_reader *r, const config_setting_t *setting,
    const char *name, int *ret)
{
	int value = config_setting_get_int(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_INT || value < 0 ||
	    value > UCHAR_MAX)
		preset_must_be(
		    r, setting, name, "a whole number from 0 to 255");
	else
		*ret = value;
}

/* Cuts the next condition off *text; false at the end. */
static bool
next_condition(
    struct preset_reader *r, char **text, struct preset_condition *ret)
{
	char *word = strsep(text, " ");
	char *value;

	while (word != NULL && *word == '\0')
		word = strsep(text, " ");
	if (word == NULL)
		return false;
	value = strchr(word, '=');
	if (value != NULL)
		*value++ = '\0';
	ret->path = preset_keep_text(r, word);
	ret->value = value != NULL ? preset_keep_text(r, value) : NULL;
	return true;
}

/* "type=result is_error=true" */
static void
read_when(struct preset_reader *r, const config_setting_t *setting,
    struct preset_rule *rule)
{
	const char *text = config_setting_get_string(setting);
	size_t room = text != NULL ? strlen(text) / 2 + 1 : 0;
	char *copy, *rest;

	if (text == NULL || text[strspn(text, " ")] == '\0') {
		preset_must_be(r, setting, "when",
		    "conditions, such as \"type=result is_error=true\"");
		return;
	}
	copy = rest = arena_copy(r->keep, text);
	rule->when = arena_alloc(r->keep, room * sizeof(*rule->when));
	if (copy == NULL || rule->when == NULL) {
		r->no_memory = true;
		return;
	}
	while (next_condition(r, &rest, &rule->when[rule->nwhen]))
		rule->nwhen++;
}

static void
read_item(struct preset_reader *r, const config_setting_t *setting,
    const struct preset_item *item, void *base)
{
	void *field = (unsigned char *)base + item->offset;

	switch (item->kind) {
	case KIND_TEXT:
		*(const char **)field = read_text(r, setting, item->name);
		break;
	case KIND_WORDS:
		*(char ***)field = read_words(r, setting, item->name);
		break;
	case KIND_DURATION: read_duration(r, setting, item->name, field); break;
	case KIND_CHOICE: read_choice(r, setting, item, field); break;
	case KIND_INT: read_int(r, setting, item->name, field); break;
	case KIND_TRUTH:
		if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
			preset_must_be(r, setting, item->name,
			    "true or false, without quotes");
		else
			*(bool *)field = config_setting_get_bool(setting) != 0;
		break;
	case KIND_WHEN: read_when(r, setting, base); break;
	case KIND_GROUPS: break;
	}
}

static void
unknown(struct preset_reader *r, const config_setting_t *setting,
    struct preset_items items)
{
	const char *word = config_setting_name(setting);
	const char *names[NAMES_MAX], *nearest;
	char data[TEXT_SIZE];
	struct buf hint;

	buf_init(&hint, data, sizeof(data));
	for (size_t i = 0; i < items.n; i++) {
		names[i] = items.list[i].name;
		buf_addf(&hint, "%s%s", i == 0 ? "known are " : ", ", names[i]);
	}
	nearest = text_nearest(word, names, items.n);
	if (nearest != NULL) {
		buf_init(&hint, data, sizeof(data));
		buf_addf(&hint, "did you mean \"%s\"?", nearest);
	}
	fault_add(r->faults, preset_place(r, setting),
	    "%s: unknown key \"%.60s\": %s", r->owner, word, data);
}

void
preset_read_group(struct preset_reader *r, const config_setting_t *group,
    struct preset_items items, void *base)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting =
		    config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(setting);
		size_t j = 0;

		while (j < items.n && strcmp(items.list[j].name, name) != 0)
			j++;
		if (j < items.n)
			read_item(r, setting, &items.list[j], base);
		else
			unknown(r, setting, items);
	}
}
