#include <string.h>

#include "base/buf.h"
#include "conf/setting.h"
#include "conf/value.h"

#define TEXT_SIZE 512

static unsigned
line_of(const config_setting_t *setting)
{
	return config_setting_source_line(setting);
}

void
setting_show(const config_setting_t *setting, struct buf *out)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		buf_addf(out, "%lld", config_setting_get_int64(setting));
		break;
	case CONFIG_TYPE_FLOAT:
		buf_addf(out, "%g", config_setting_get_float(setting));
		break;
	case CONFIG_TYPE_BOOL:
		buf_add(
		    out, config_setting_get_bool(setting) ? "true" : "false");
		break;
	case CONFIG_TYPE_STRING:
		buf_addf(out, "\"%.60s\"", config_setting_get_string(setting));
		break;
	case CONFIG_TYPE_GROUP: buf_add(out, "a group"); break;
	default: buf_add(out, "a list"); break;
	}
}

const char *
setting_colon(const char *owner)
{
	return owner[0] != '\0' ? ": " : "";
}

/* How the value was probably meant. */
static void
add_advice(const struct key *key, const config_setting_t *item, struct buf *out)
{
	const char *text = config_setting_get_string(item);
	const char *nearest = text != NULL ? value_nearest(key, text) : NULL;
	bool digits = text != NULL && text[0] != '\0' &&
	    strspn(text, "0123456789") == strlen(text);

	if (nearest != NULL)
		buf_addf(out, ": did you mean \"%s\"?", nearest);
	else if (key->type == TYPE_DURATION && digits)
		buf_addf(out, ": it needs a unit: \"%.20ss\"?", text);
	else if (key->type == TYPE_DURATION && config_setting_is_number(item))
		buf_addf(out, ": it needs a unit and quotes: \"%llds\"?",
		    config_setting_get_int64(item));
	else if (key->type == TYPE_INT && digits)
		buf_add(out, ": take the quotes away");
}

/* "OWNER: KEY must be ..., not ...": of setting, or an item of it. */
static void
must_be(const struct reader *r, enum key_id id, const config_setting_t *item)
{
	char expected_data[TEXT_SIZE], got_data[TEXT_SIZE];
	struct buf expected, got;

	buf_init(&expected, expected_data, sizeof(expected_data));
	buf_init(&got, got_data, sizeof(got_data));
	value_expected(&keys[id], &expected);
	setting_show(item, &got);
	add_advice(&keys[id], item, &got);
	fault_add(r->faults, (struct place){ r->source, line_of(item) },
	    "%s%s%s must be %s, not %s", r->owner, setting_colon(r->owner),
	    keys[id].name, expected.data, got.data);
}

/* A number in the file, as the text that value_parse() reads. */
static bool
number_text(
    const struct key *key, const config_setting_t *setting, struct buf *out)
{
	int type = config_setting_type(setting);
	bool is_int = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;

	switch (key->type) {
	case TYPE_BOOL:
		if (type != CONFIG_TYPE_BOOL)
			return false;
		break;
	case TYPE_INT:
		if (!is_int)
			return false;
		break;
	case TYPE_SIZE:
	case TYPE_SIGNAL:
	case TYPE_DURATION:
		if (!is_int && type != CONFIG_TYPE_STRING)
			return false;
		break;
	case TYPE_USD:
		if (!is_int && type != CONFIG_TYPE_FLOAT &&
		    type != CONFIG_TYPE_STRING)
			return false;
		break;
	case TYPE_LATE:
		if (type != CONFIG_TYPE_FLOAT && type != CONFIG_TYPE_STRING)
			return false;
		break;
	default:
		if (type != CONFIG_TYPE_STRING)
			return false;
	}
	if (type == CONFIG_TYPE_STRING)
		buf_add(out, config_setting_get_string(setting));
	else if (type == CONFIG_TYPE_FLOAT)
		buf_addf(out, "%.9g", config_setting_get_float(setting));
	else
		setting_show(setting, out);
	return !out->cut;
}

static bool
read_number(const struct reader *r, enum key_id id,
    const config_setting_t *setting, struct value *v)
{
	char data[TEXT_SIZE];
	struct buf text;

	buf_init(&text, data, sizeof(data));
	if (!number_text(&keys[id], setting, &text) ||
	    value_parse(&keys[id], text.data, &v->number) < 0) {
		must_be(r, id, setting);
		return false;
	}
	return true;
}

/* One line of printable text: it is shown in tables and stands in paths. */
static bool
is_plain(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

static bool
read_text(const struct reader *r, enum key_id id,
    const config_setting_t *setting, struct value *v)
{
	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		must_be(r, id, setting);
		return false;
	}
	v->text = config_setting_get_string(setting);
	if (keys[id].type == TYPE_PATH &&
	    (v->text[0] == '~' || v->text[0] == '$')) {
		fault_add(r->faults,
		    (struct place){ r->source, line_of(setting) },
		    "%s%s%s: \"%c\" is not expanded: write the whole path, or "
		    "one relative to this file",
		    r->owner, setting_colon(r->owner), keys[id].name,
		    v->text[0]);
		return false;
	}
	if (id != KEY_LOOP_SETUP && !is_plain(v->text)) {
		fault_add(r->faults,
		    (struct place){ r->source, line_of(setting) },
		    "%s%s%s must be one line without control characters",
		    r->owner, setting_colon(r->owner), keys[id].name);
		return false;
	}
	return true;
}

bool
setting_is_list(const config_setting_t *setting)
{
	return config_setting_is_array(setting) ||
	    config_setting_is_list(setting);
}

/* The same for one word of a list. */
static void
must_be_text(
    const struct reader *r, enum key_id id, const config_setting_t *item)
{
	char data[TEXT_SIZE];
	struct buf got;

	buf_init(&got, data, sizeof(data));
	setting_show(item, &got);
	fault_add(r->faults, (struct place){ r->source, line_of(item) },
	    "%s%s%s: every word must be a text in quotes, not %s", r->owner,
	    setting_colon(r->owner), keys[id].name, got.data);
}

/* Whether every item of a list has that type; tells of those that haven't. */
static bool
read_items(const struct reader *r, enum key_id id,
    const config_setting_t *setting, int type)
{
	bool good = true;

	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *item =
		    config_setting_get_elem(setting, (unsigned)i);

		if (config_setting_type(item) == type)
			continue;
		good = false;
		if (type == CONFIG_TYPE_STRING)
			must_be_text(r, id, item);
		else
			must_be(r, id, item);
	}
	return good;
}

static bool
read_list(
    const struct reader *r, enum key_id id, const config_setting_t *setting)
{
	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return true;
	if (!setting_is_list(setting)) {
		must_be(r, id, setting);
		return false;
	}
	return read_items(r, id, setting, CONFIG_TYPE_STRING);
}

static bool
read_groups(
    const struct reader *r, enum key_id id, const config_setting_t *setting)
{
	if (!setting_is_list(setting)) {
		must_be(r, id, setting);
		return false;
	}
	(void)read_items(r, id, setting, CONFIG_TYPE_GROUP);
	return true;
}

/* Names that keepers set themselves, for every component. */
static bool
is_reserved(const char *name, size_t len)
{
	static const char *const own[] = { "LOOPKEEPER_COMPONENT",
		"LOOPKEEPER_CONFIG", "LOOPKEEPER_DB",
		"LOOPKEEPER_STATE_DIRECTORY", "LOOPKEEPER_MODE_FILE",
		"LOOPKEEPER_CONTROL", "LOOPKEEPER_SPOOL", "NOTIFY_SOCKET",
		"WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
		"LISTEN_FDNAMES", "MAINPID" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strlen(own[i]) == len && memcmp(own[i], name, len) == 0)
			return true;
	return false;
}

/* One variable: a scalar of a group, or "KEY=VALUE" of a list. */
static bool
read_variable(const struct reader *r, const config_setting_t *item)
{
	const char *name = config_setting_name(item);
	const char *text = config_setting_get_string(item);
	struct place at = { r->source, line_of(item) };
	size_t len;

	if (name == NULL) {
		if (text == NULL || strchr(text, '=') == NULL ||
		    text[0] == '=') {
			must_be(r, KEY_ENVIRONMENT, item);
			return false;
		}
		name = text;
	} else if (!config_setting_is_scalar(item) ||
	    config_setting_type(item) == CONFIG_TYPE_FLOAT) {
		fault_add(r->faults, at,
		    "%s%senvironment: the value of %s must be a text in quotes",
		    r->owner, setting_colon(r->owner), name);
		return false;
	}
	len = strcspn(name, "=");
	if (is_reserved(name, len)) {
		fault_add(r->faults, at,
		    "%s%senvironment: %.*s is set by loopkeeper itself",
		    r->owner, setting_colon(r->owner), (int)len, name);
		return false;
	}
	return true;
}

static bool
read_environment(const struct reader *r, const config_setting_t *setting)
{
	bool good = true;

	if (!config_setting_is_group(setting) && !setting_is_list(setting)) {
		must_be(r, KEY_ENVIRONMENT, setting);
		return false;
	}
	for (int i = 0; i < config_setting_length(setting); i++)
		if (!read_variable(
			r, config_setting_get_elem(setting, (unsigned)i)))
			good = false;
	return good;
}

void
setting_read(const struct reader *r, enum key_id id,
    const config_setting_t *setting, struct value *ret)
{
	struct value v = { .at = { r->source, line_of(setting) },
		.owner = r->owner,
		.setting = setting,
		.number = -1,
		.text = "" };
	bool good;

	switch (keys[id].type) {
	case TYPE_TEXT:
	case TYPE_PATH: good = read_text(r, id, setting, &v); break;
	case TYPE_WORDS:
	case TYPE_COMMAND: good = read_list(r, id, setting); break;
	case TYPE_ENVIRONMENT: good = read_environment(r, setting); break;
	case TYPE_GROUPS: good = read_groups(r, id, setting); break;
	case TYPE_GROUP:
		good = config_setting_is_group(setting);
		if (!good)
			must_be(r, id, setting);
		break;
	default: good = read_number(r, id, setting, &v);
	}
	if (good)
		*ret = v;
	else if (ret->at.source == NULL)
		ret->at = v.at; /* set, if wrongly: not missing */
}
