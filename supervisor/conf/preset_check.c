/* What the keys of a preset must say together. */
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "conf/preset_file.h"

/* The number of the pattern's group that a place names; -1 for a path. */
static int
group_of(const char *place)
{
	if (place[0] != '$' || place[1] < '0' || place[1] > '9' ||
	    place[2] != '\0')
		return -1;
	return place[1] - '0';
}

static bool
is_path(const char *place)
{
	size_t len = strlen(place);

	return len > 0 && place[0] != '.' && place[0] != '$' &&
	    place[len - 1] != '.' && strstr(place, "..") == NULL;
}

/* A rule that is checked. */
struct checking {
	struct preset_reader *r;
	const struct preset_rule *rule;
	struct place at;
	size_t groups; /* of its pattern, besides $0 */
	bool faulty;   /* the pattern: nothing is said of its groups */
};

static void
check_place(struct checking *c, const char *name, const char *place)
{
	int group = group_of(place);

	if (place[0] == '\0')
		return;
	if (group >= 0) {
		if ((size_t)group > c->groups && !c->faulty)
			fault_add(c->r->faults, c->at,
			    "%s: %s is \"%s\", but the pattern has %zu group%s "
			    "in ( )",
			    c->r->owner, name, place, c->groups,
			    c->groups == 1 ? "" : "s");
	} else if (!is_path(place)) {
		fault_add(c->r->faults, c->at,
		    "%s: %s must be a path of keys, such as \"usage.tokens\", "
		    "or a group of the pattern, \"$1\", not \"%.60s\"",
		    c->r->owner, name, place);
	} else if (c->rule->nwhen == 0) {
		fault_add(c->r->faults, c->at,
		    "%s: %s is a path, but without `when` the rule is for "
		    "lines that are no JSON: take a group of the pattern, "
		    "\"$1\"",
		    c->r->owner, name);
	}
}

static void
check_places(struct checking *c)
{
	const struct preset_rule *rule = c->rule;

	for (size_t i = 0; rule->tokens != NULL && rule->tokens[i] != NULL; i++)
		check_place(c, "tokens", rule->tokens[i]);
	check_place(c, "cost_usd", rule->cost_usd);
	check_place(c, "once_per", rule->once_per);
	check_place(c, "session_id", rule->session_id);
	check_place(c, "reset_at", rule->reset_at);
	check_place(c, "retry_after", rule->retry_after);
	check_place(c, "error", rule->error);
	check_place(c, "field", rule->field);
	for (size_t i = 0; i < rule->nwhen; i++)
		if (!is_path(rule->when[i].path))
			fault_add(c->r->faults, c->at,
			    "%s: when must be conditions, such as "
			    "\"type=result is_error=true\"",
			    c->r->owner);
}

static void
check_pattern(struct checking *c)
{
	char why[256];
	regex_t regex;
	int error;

	if (c->rule->pattern[0] == '\0') {
		if (c->rule->nwhen == 0)
			fault_add(c->r->faults, c->at,
			    "%s: it has neither `when` nor `pattern`: it would "
			    "hold for every line",
			    c->r->owner);
		else if (c->rule->field[0] != '\0')
			fault_add(c->r->faults, c->at,
			    "%s: field is set, but pattern isn't", c->r->owner);
		return;
	}
	if (c->rule->nwhen > 0 && c->rule->field[0] == '\0')
		fault_add(c->r->faults, c->at,
		    "%s: pattern needs `field`: in which text of the JSON line "
		    "is it sought?",
		    c->r->owner);
	error = regcomp(&regex, c->rule->pattern, REG_EXTENDED | REG_ICASE);
	if (error != 0) {
		(void)regerror(error, &regex, why, sizeof(why));
		fault_add(
		    c->r->faults, c->at, "%s: pattern: %s", c->r->owner, why);
		c->faulty = true;
		return;
	}
	c->groups = regex.re_nsub;
	regfree(&regex);
}

static bool
says_something(const struct preset_rule *rule)
{
	return (rule->tokens != NULL && rule->tokens[0] != NULL) ||
	    rule->cost_usd[0] != '\0' || rule->session_id[0] != '\0' ||
	    rule->reset_at[0] != '\0' || rule->retry_after[0] != '\0' ||
	    rule->error[0] != '\0' || rule->verdict != PRESET_NOTHING ||
	    rule->ended || rule->goes_on;
}

void
preset_check_rule(struct preset_reader *r, const struct preset_rule *rule,
    enum preset_format format, unsigned line, bool whole)
{
	struct checking c = { .r = r, .rule = rule, .at = { r->source, line } };

	check_pattern(&c);
	check_places(&c);
	if (format == PRESET_TEXT && rule->nwhen > 0)
		fault_add(r->faults, c.at,
		    "%s: `when` is for JSON lines, but format is \"text\"",
		    r->owner);
	if (whole && !says_something(rule))
		fault_add(r->faults, c.at,
		    "%s: it says nothing: give it an outcome, or a place of "
		    "tokens, cost_usd, session_id, ...",
		    r->owner);
}

/* Whether one of the words holds the text. */
static bool
mentions(char *const *words, const char *text)
{
	for (; *words != NULL; words++)
		if (strstr(*words, text) != NULL)
			return true;
	return false;
}

static void
check_command(struct preset_reader *r, const struct worker_preset *preset,
    const char *name, char *const *words)
{
	struct place at = { r->source, 0 };
	const config_setting_t *setting = config_setting_get_member(
	    config_root_setting(&r->source->tree), name);

	if (setting != NULL)
		at.line = config_setting_source_line(setting);
	if (preset->prompt == PRESET_ARGUMENT && !mentions(words, "{prompt}") &&
	    !mentions(words, "{prompt_file}"))
		fault_add(r->faults, at,
		    "%s: prompt is \"argument\", but %s has neither "
		    "\"{prompt}\" nor \"{prompt_file}\"",
		    r->owner, name);
	for (size_t i = 0; words[i] != NULL; i++)
		if (strstr(words[i], "{options}") != NULL &&
		    strcmp(words[i], "{options}") != 0)
			fault_add(r->faults, at,
			    "%s: %s: \"{options}\" is any number of words, and "
			    "must stand alone, not in \"%.60s\"",
			    r->owner, name, words[i]);
}

void
preset_check(struct preset_reader *r, const struct worker_preset *preset)
{
	struct place whole = { r->source, 0 };

	if (r->no_memory)
		return;
	if (preset->argv[0] == NULL)
		fault_add(r->faults, whole,
		    "%s: argv is missing: write argv = [ \"program\", "
		    "\"argument\" ];",
		    r->owner);
	else
		check_command(r, preset, "argv", preset->argv);
	if (preset->resume[0] == NULL)
		return;
	check_command(r, preset, "resume", preset->resume);
	if (!mentions(preset->resume, "{session}"))
		fault_add(r->faults, whole,
		    "%s: resume must have \"{session}\" in it", r->owner);
}
