/* One line of a worker's output, and what the preset's rules make of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <jansson.h>

#include "agents/loop/limit_end.h"
#include "agents/loop/output.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"

#define MILLION	  1e6
#define TEXT_SIZE 1024
#define GROUPS	  10
#define TOO_MUCH  1e12 /* nobody uses so many tokens */
#define KEY_SIZE  128

/* A line for which a rule holds. */
struct match {
	const json_t *root; /* NULL: it is no JSON */
	const char *text;   /* what the pattern was for; NULL for none */
	char number[32];    /* that, where it is none in JSON */
	regmatch_t groups[GROUPS];
};

/* The value at a path of keys and indices, or NULL. */
static const json_t *
value_at(const json_t *value, const char *path)
{
	while (value != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");
		char key[KEY_SIZE], *end;

		if (len >= sizeof(key))
			return NULL;
		(void)memcpy(key, path, len);
		key[len] = '\0';
		if (json_is_array(value)) {
			unsigned long i = strtoul(key, &end, 10);

			value = *end == '\0' ? json_array_get(value, i) : NULL;
		} else {
			value = json_object_get(value, key);
		}
		path += len + (path[len] == '.');
	}
	return json_is_null(value) ? NULL : value;
}

/* A string, number or truth as text. Returns false for anything else. */
static bool
value_text(const json_t *value, char *buf, size_t size)
{
	switch (value != NULL ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		(void)strlcpy(buf, json_string_value(value), size);
		return true;
	case JSON_INTEGER:
		(void)snprintf(buf, size, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
		return true;
	case JSON_REAL:
		(void)snprintf(buf, size, "%.6f", json_real_value(value));
		return true;
	case JSON_TRUE: (void)strlcpy(buf, "true", size); return true;
	case JSON_FALSE: (void)strlcpy(buf, "false", size); return true;
	default: return false;
	}
}

/* The text at a place. Returns false when there is none, or "". */
static bool
text_at(const struct match *m, const char *place, char *buf, size_t size)
{
	const regmatch_t *group;
	size_t len;

	buf[0] = '\0';
	if (place[0] == '\0')
		return false;
	if (place[0] != '$')
		return m->root != NULL &&
		    value_text(value_at(m->root, place), buf, size) &&
		    buf[0] != '\0';
	if (m->text == NULL)
		return false;
	group = &m->groups[place[1] - '0'];
	if (place[1] == '0') {
		(void)strlcpy(buf, m->text, size);
	} else if (group->rm_so >= 0) {
		len = (size_t)(group->rm_eo - group->rm_so);
		(void)strlcpy(
		    buf, m->text + group->rm_so, len < size ? len + 1 : size);
	}
	return buf[0] != '\0';
}

/* A number at a place, "1.2k" and "3M" too; -1 for none. */
static double
number_at(const struct match *m, const char *place)
{
	char text[64], *end;
	double number;

	if (!text_at(m, place, text, sizeof(text)))
		return -1;
	number = strtod(text, &end);
	if (end == text || !isfinite(number) || number < 0)
		return -1;
	if (*end == 'k' || *end == 'K')
		number *= 1e3;
	else if (*end == 'm' || *end == 'M')
		number *= 1e6;
	else if (*end != '\0')
		return -1;
	return number <= TOO_MUCH ? number : -1;
}

static int64_t
greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* a and b together, where either may be unknown. */
static int64_t
together(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 ? a : a + b;
}

/* What of now wasn't told by before already. */
static int64_t
more(int64_t now, int64_t before)
{
	return now < 0 || before < 0 ? now : greater(now - before, 0);
}

/* Takes off what the same message told before, and remembers it. */
static void
forget_known(struct output *o, const char *id, struct output_usage *u)
{
	uint64_t hash = hash_bytes(HASH_INIT, id, strlen(id));
	struct output_message *at = NULL;
	struct output_usage now = *u;

	for (size_t i = 0; i < OUTPUT_RECENT && i < o->nrecent; i++)
		if (o->recent[i].id == hash)
			at = &o->recent[i];
	if (at == NULL) {
		at = &o->recent[o->nrecent++ % OUTPUT_RECENT];
		*at = (struct output_message){ hash, { -1, -1 } };
	}
	u->tokens = more(now.tokens, at->usage.tokens);
	u->cost = more(now.cost, at->usage.cost);
	at->usage.tokens = greater(now.tokens, at->usage.tokens);
	at->usage.cost = greater(now.cost, at->usage.cost);
}

static void
tell_usage(
    struct output *o, const struct preset_rule *rule, const struct match *m)
{
	struct output_usage u = { -1, -1 };
	double cost = number_at(m, rule->cost_usd);
	char id[TEXT_SIZE];

	for (size_t i = 0; rule->tokens != NULL && rule->tokens[i] != NULL; i++)
		u.tokens =
		    together(u.tokens, (int64_t)number_at(m, rule->tokens[i]));
	if (cost >= 0)
		u.cost = (int64_t)(cost * MILLION + 0.5);
	o->answered |= u.tokens > 0 || u.cost > 0;
	if (rule->total) {
		o->total.tokens = greater(o->total.tokens, u.tokens);
		o->total.cost = greater(o->total.cost, u.cost);
	} else {
		if (text_at(m, rule->once_per, id, sizeof(id)))
			forget_known(o, id, &u);
		o->sum.tokens = together(o->sum.tokens, u.tokens);
		o->sum.cost = together(o->sum.cost, u.cost);
	}
	o->usage.tokens = greater(o->sum.tokens, o->total.tokens);
	o->usage.cost = greater(o->sum.cost, o->total.cost);
}

/* Of times that a program tells in several ways, the one for people ("resets
 * 5pm") says no more than the one that is exact. */
static void
tell_reset(
    struct output *o, const struct preset_rule *rule, const struct match *m)
{
	bool exact = true;
	char text[TEXT_SIZE];
	int64_t ms = -1;

	if (text_at(m, rule->reset_at, text, sizeof(text))) {
		ms = limit_end_at(text, clock_wall_ms());
		exact = text[strspn(text, "0123456789.")] == '\0';
	} else if (text_at(m, rule->retry_after, text, sizeof(text))) {
		ms = limit_end_after(text, clock_wall_ms());
	}
	if (ms < 0 || (o->reset_exact && !exact))
		return;
	o->reset_wall_ms = ms;
	o->reset_exact = exact;
}

static void
tell_error(
    struct output *o, const struct preset_rule *rule, const struct match *m)
{
	char text[OUTPUT_ERROR_SIZE];

	if (!text_at(m, rule->error, text, sizeof(text)))
		return;
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	text_clean(text);
	(void)strlcpy(o->error, text, sizeof(o->error));
}

static void
tell_verdict(struct output *o, enum preset_verdict verdict)
{
	if (verdict == PRESET_GOOD) {
		o->answered = true;
		o->verdict = PRESET_NOTHING;
		o->reset_wall_ms = -1;
		o->reset_exact = false;
		o->error[0] = '\0';
	} else if (verdict > o->verdict) {
		o->verdict = verdict;
	}
}

static void
apply(struct output *o, const struct preset_rule *rule, const struct match *m,
    int64_t now_ms)
{
	char session[OUTPUT_SESSION_SIZE];

	tell_usage(o, rule, m);
	if (text_at(m, rule->session_id, session, sizeof(session)))
		(void)strlcpy(o->session_id, session, sizeof(o->session_id));
	tell_verdict(o, rule->verdict);
	tell_reset(o, rule, m);
	tell_error(o, rule, m);
	if (rule->ended && !o->ended) {
		o->ended = true;
		o->ended_ms = now_ms;
	}
	if (rule->goes_on)
		o->ended = false;
}

static bool
conditions_hold(const struct preset_rule *rule, const json_t *root)
{
	for (size_t i = 0; i < rule->nwhen; i++) {
		const json_t *value = value_at(root, rule->when[i].path);
		char text[TEXT_SIZE];

		if (value == NULL)
			return false;
		if (rule->when[i].value != NULL &&
		    (!value_text(value, text, sizeof(text)) ||
			strcmp(text, rule->when[i].value) != 0))
			return false;
	}
	return true;
}

/* The text, number or truth that a pattern is for; NULL for none. */
static const char *
text_of(struct match *m, const json_t *value)
{
	if (json_is_string(value))
		return json_string_value(value);
	return value_text(value, m->number, sizeof(m->number)) ? m->number
							       : NULL;
}

/* Whether the rule is for the line, whose text is line. */
static bool
holds(const struct output *o, size_t i, const char *line, struct match *m)
{
	const struct preset_rule *rule = &o->preset->rules[i];

	m->text = NULL;
	if ((rule->nwhen > 0) != (m->root != NULL) ||
	    (m->root != NULL && !conditions_hold(rule, m->root)))
		return false;
	if (rule->pattern[0] == '\0')
		return true;
	m->text =
	    m->root == NULL ? line : text_of(m, value_at(m->root, rule->field));
	return m->text != NULL &&
	    regexec(&o->regexes[i], m->text, GROUPS, m->groups, 0) == 0;
}

void
output_line(struct output *o, const char *line, int64_t now_ms)
{
	bool json = o->preset->format == PRESET_JSON_LINES &&
	    line[strspn(line, " \t")] == '{';
	json_t *root = NULL;
	struct match m = { 0 };

	if (line[0] == '#' && line[1] == ' ')
		return; /* ours */
	if (json)
		root = json_loads(line, JSON_ALLOW_NUL, NULL);
	if (json && root == NULL)
		return;
	m.root = root;
	for (size_t i = 0; i < o->preset->nrules; i++)
		if (holds(o, i, line, &m))
			apply(o, &o->preset->rules[i], &m, now_ms);
	json_decref(root);
}
