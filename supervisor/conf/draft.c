#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "conf/draft.h"
#include "conf/setting.h"
#include "conf/unknown.h"
#include "conf/value.h"

#define NAME_SIZE 128 /* of a key with its groups */
#define TEXT_SIZE 512

void
draft_init(struct draft *d)
{
	*d = (struct draft){ 0 };
	for (int id = 0; id < KEY_COUNT; id++) {
		struct value *v = &d->values[id];

		v->owner = "";
		v->text = keys[id].standard != NULL ? keys[id].standard : "";
		v->number = -1;
		if (key_is_number(&keys[id]) && keys[id].standard != NULL)
			(void)value_parse(&keys[id], v->text, &v->number);
	}
}

/* Whether keys of this reader have names that begin with group and a dot. */
static bool
is_group_name(const struct reader *r, const char *group)
{
	size_t len = strlen(group);

	for (enum key_id id = r->first; id < r->end; id++)
		if (strncmp(keys[id].name, group, len) == 0 &&
		    keys[id].name[len] == '.')
			return true;
	return false;
}

static void
read_setting(const struct reader *r, const config_setting_t *setting,
    const char *prefix, struct draft *d)
{
	char name[NAME_SIZE];
	int n = snprintf(
	    name, sizeof(name), "%s%s", prefix, config_setting_name(setting));

	if (n >= (int)sizeof(name) - 1) {
		unknown_key(r, setting, prefix);
		return;
	}
	for (enum key_id id = r->first; id < r->end; id++) {
		if (strcmp(keys[id].name, name) == 0) {
			setting_read(r, id, setting, &d->values[id]);
			return;
		}
	}
	if (!is_group_name(r, name)) {
		unknown_key(r, setting, prefix);
	} else if (config_setting_is_group(setting)) {
		name[n] = '.';
		name[n + 1] = '\0';
		draft_read(r, setting, name, d);
	} else {
		char data[TEXT_SIZE];
		struct buf got;

		buf_init(&got, data, sizeof(data));
		setting_show(setting, &got);
		fault_add(r->faults,
		    (struct place){
			r->source, config_setting_source_line(setting) },
		    "%s%s%s must be a group: %s = { KEY = VALUE; }, not %s",
		    r->owner, setting_colon(r->owner), name, name, got.data);
	}
}

void
draft_read(const struct reader *r, const config_setting_t *group,
    const char *prefix, struct draft *d)
{
	for (int i = 0; i < config_setting_length(group); i++)
		read_setting(
		    r, config_setting_get_elem(group, (unsigned)i), prefix, d);
}

size_t
draft_count(const struct value *v)
{
	if (v->setting == NULL)
		return 0;
	if (config_setting_type(v->setting) == CONFIG_TYPE_STRING)
		return config_setting_get_string(v->setting)[0] != '\0';
	return (size_t)config_setting_length(v->setting);
}

const char *
draft_word(const struct value *v, size_t i)
{
	if (config_setting_type(v->setting) == CONFIG_TYPE_STRING)
		return config_setting_get_string(v->setting);
	return config_setting_get_string_elem(v->setting, (int)i);
}

struct place
draft_place(const struct value *v, size_t i)
{
	struct place at = v->at;

	if (setting_is_list(v->setting))
		at.line = config_setting_source_line(
		    config_setting_get_elem(v->setting, (unsigned)i));
	return at;
}

void
draft_fault(struct faults *f, const struct draft *d, enum key_id id,
    const char *format, ...)
{
	const struct value *v = &d->values[id];
	const struct value *at =
	    v->at.source != NULL ? v : &d->values[KEY_NAME];
	char text[2048];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fault_add(f, at->at, "%s%s%s %s", at->owner, setting_colon(at->owner),
	    keys[id].name, text);
}
