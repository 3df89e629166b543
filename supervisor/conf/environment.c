/*
 * The environment of a component: what the file sets, over what `defaults`
 * sets. What loopkeeper tells every component (LOOPKEEPER_...) is added by its
 * keeper, who knows the run directory.
 */
#include <string.h>

#include "conf/load.h"

struct variable {
	const char *name;
	size_t len; /* of name */
	const config_setting_t *item;
};

/* Variables of a value, counted from 0; name is NULL beyond the last. */
static struct variable
variable(const struct value *v, int i)
{
	struct variable var = { 0 };

	if (v->setting == NULL)
		return var;
	var.item = config_setting_get_elem(v->setting, (unsigned)i);
	if (var.item == NULL)
		return var;
	var.name = config_setting_name(var.item);
	if (var.name == NULL)
		var.name = config_setting_get_string(var.item);
	var.len = strcspn(var.name, "=");
	return var;
}

/* Whether v sets that name in an item from i on. */
static bool
sets(const struct value *v, int i, const char *name, size_t len)
{
	struct variable var;

	while ((var = variable(v, i++)).name != NULL)
		if (var.len == len && memcmp(var.name, name, len) == 0)
			return true;
	return false;
}

static const char *
last_value(const struct value *v, const char *name)
{
	size_t len = strlen(name);
	const char *value = NULL;
	struct variable var;

	for (int i = 0; (var = variable(v, i)).name != NULL; i++) {
		const char *text = config_setting_get_string(var.item);

		if (var.len != len || memcmp(var.name, name, len) != 0)
			continue;
		if (text != NULL)
			value = var.name == text ? text + len + 1 : text;
	}
	return value;
}

const char *
load_variable(const struct draft *d, const char *name)
{
	const char *value = last_value(&d->values[KEY_ENVIRONMENT], name);

	return value != NULL ? value : last_value(&d->base_environment, name);
}

static void
add_variable(const struct variable *var, struct buf *text)
{
	const char *value = config_setting_get_string(var->item);

	if (config_setting_name(var->item) == NULL) {
		buf_add(text, value);
	} else if (value != NULL) {
		buf_addf(text, "%s=%s", var->name, value);
	} else if (config_setting_type(var->item) == CONFIG_TYPE_BOOL) {
		buf_addf(text, "%s=%s", var->name,
		    config_setting_get_bool(var->item) ? "true" : "false");
	} else {
		buf_addf(text, "%s=%lld", var->name,
		    config_setting_get_int64(var->item));
	}
	buf_add_bytes(text, "", 1);
}

/* The last of each name counts, and `own` counts more than v. */
static uint32_t
add_all(const struct value *v, const struct value *own, struct buf *text)
{
	struct variable var;
	uint32_t n = 0;

	for (int i = 0; (var = variable(v, i)).name != NULL; i++) {
		if (sets(v, i + 1, var.name, var.len) ||
		    (own != NULL && sets(own, 0, var.name, var.len)))
			continue;
		add_variable(&var, text);
		n++;
	}
	return n;
}

static uint32_t
add_unless_set(const struct draft *d, const char *name, const char *value,
    struct buf *text)
{
	size_t len = strlen(name);

	if (value == NULL || sets(&d->values[KEY_ENVIRONMENT], 0, name, len) ||
	    sets(&d->base_environment, 0, name, len))
		return 0;
	buf_addf(text, "%s=%s", name, value);
	buf_add_bytes(text, "", 1);
	return 1;
}

uint32_t
load_environment(const struct load *l, const struct draft *d, struct buf *text)
{
	const struct value *own = &d->values[KEY_ENVIRONMENT];
	const struct identity *who = &l->identity;
	uint32_t n = add_all(&d->base_environment, own, text);

	n += add_all(own, NULL, text);
	/* Output is to be seen when it is made, not 8 kB later. */
	n += add_unless_set(d, "PYTHONUNBUFFERED", "1", text);
	n += add_unless_set(d, "HOME", who->home, text);
	n += add_unless_set(d, "USER", who->name, text);
	n += add_unless_set(d, "LOGNAME", who->name, text);
	return n + add_unless_set(d, "SHELL", who->shell, text);
}
