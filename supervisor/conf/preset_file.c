#include <errno.h>
#include <stdio.h>

#include "conf/preset_file.h"
#include "conf/setting.h"

static const char *const prompts[] = {
	[PRESET_STDIN] = "stdin", [PRESET_ARGUMENT] = "argument", NULL
};
static const char *const formats[] = {
	[PRESET_JSON_LINES] = "json-lines", [PRESET_TEXT] = "text", NULL
};
static const char *const verdicts[] = { [PRESET_NOTHING] = "nothing",
	[PRESET_GOOD] = "good",
	[PRESET_FAILED] = "failed",
	[PRESET_BUDGET] = "budget",
	[PRESET_WAITING] = "waiting_for_input",
	[PRESET_UNAVAILABLE] = "unavailable",
	[PRESET_AUTH] = "auth",
	[PRESET_RATE_LIMITED] = "rate_limited",
	NULL };

#define PRESET(member) offsetof(struct worker_preset, member)
#define RULE(member)   offsetof(struct preset_rule, member)
#define EXIT(member)   offsetof(struct preset_exit, member)
#define ITEMS(table)                                      \
	(struct preset_items)                             \
	{                                                 \
		table, sizeof(table) / sizeof((table)[0]) \
	}

static const struct preset_item top_items[] = {
	{ "argv", KIND_WORDS, PRESET(argv), NULL },
	{ "resume", KIND_WORDS, PRESET(resume), NULL },
	{ "prompt", KIND_CHOICE, PRESET(prompt), prompts },
	{ "format", KIND_CHOICE, PRESET(format), formats },
	{ "provider", KIND_TEXT, PRESET(provider), NULL },
	{ "login", KIND_TEXT, PRESET(login), NULL },
	{ "startup_limit", KIND_DURATION, PRESET(startup_limit_ms), NULL },
	{ "grace", KIND_DURATION, PRESET(grace_ms), NULL },
	{ "rules", KIND_GROUPS, 0, NULL },
	{ "exit_codes", KIND_GROUPS, 0, NULL },
};

static const struct preset_item rule_items[] = {
	{ "when", KIND_WHEN, 0, NULL },
	{ "field", KIND_TEXT, RULE(field), NULL },
	{ "pattern", KIND_TEXT, RULE(pattern), NULL },
	{ "tokens", KIND_WORDS, RULE(tokens), NULL },
	{ "cost_usd", KIND_TEXT, RULE(cost_usd), NULL },
	{ "total", KIND_TRUTH, RULE(total), NULL },
	{ "once_per", KIND_TEXT, RULE(once_per), NULL },
	{ "session_id", KIND_TEXT, RULE(session_id), NULL },
	{ "reset_at", KIND_TEXT, RULE(reset_at), NULL },
	{ "retry_after", KIND_TEXT, RULE(retry_after), NULL },
	{ "error", KIND_TEXT, RULE(error), NULL },
	{ "outcome", KIND_CHOICE, RULE(verdict), verdicts },
	{ "ended", KIND_TRUTH, RULE(ended), NULL },
	{ "goes_on", KIND_TRUTH, RULE(goes_on), NULL },
};

static const struct preset_item exit_items[] = {
	{ "code", KIND_INT, EXIT(code), NULL },
	{ "outcome", KIND_CHOICE, EXIT(verdict), verdicts },
};

/* The list of groups of that name with its length; NULL where there is none,
 * or after a fault. */
static const config_setting_t *
groups_of(struct preset_reader *r, const char *name, int *ret_n)
{
	static const char expected[] = "a list of groups: ( { ... }, { ... } )";
	const config_setting_t *list = config_setting_get_member(
	    config_root_setting(&r->source->tree), name);
	int n = list != NULL ? config_setting_length(list) : 0;

	*ret_n = 0;
	if (list == NULL)
		return NULL;
	if (!setting_is_list(list)) {
		preset_must_be(r, list, name, expected);
		return NULL;
	}
	for (int i = 0; i < n; i++) {
		const config_setting_t *item =
		    config_setting_get_elem(list, (unsigned)i);

		if (!config_setting_is_group(item)) {
			preset_must_be(r, item, name, expected);
			return NULL;
		}
	}
	*ret_n = n;
	return list;
}

static void
read_rules(struct preset_reader *r, struct worker_preset *preset)
{
	int n;
	const config_setting_t *list = groups_of(r, "rules", &n);

	preset->rules =
	    arena_alloc(r->keep, ((size_t)n + 1) * sizeof(*preset->rules));
	for (int i = 0; preset->rules != NULL && i < n; i++) {
		const config_setting_t *group =
		    config_setting_get_elem(list, (unsigned)i);
		struct preset_rule *rule = &preset->rules[preset->nrules++];
		size_t nfaults = r->faults->n;

		*rule = (struct preset_rule){ .field = "",
			.pattern = "",
			.cost_usd = "",
			.once_per = "",
			.session_id = "",
			.reset_at = "",
			.retry_after = "",
			.error = "" };
		(void)snprintf(r->owner, sizeof(r->owner), "preset %s: rule %d",
		    preset->name, i + 1);
		preset_read_group(r, group, ITEMS(rule_items), rule);
		preset_check_rule(r, rule, preset->format,
		    config_setting_source_line(group), r->faults->n == nfaults);
	}
	if (preset->rules == NULL)
		r->no_memory = true;
}

static void
read_exits(struct preset_reader *r, struct worker_preset *preset)
{
	int n;
	const config_setting_t *list = groups_of(r, "exit_codes", &n);

	preset->exits =
	    arena_alloc(r->keep, ((size_t)n + 1) * sizeof(*preset->exits));
	for (int i = 0; preset->exits != NULL && i < n; i++) {
		const config_setting_t *group =
		    config_setting_get_elem(list, (unsigned)i);
		struct preset_exit *exit = &preset->exits[preset->nexits++];

		(void)snprintf(r->owner, sizeof(r->owner),
		    "preset %s: exit code %d", preset->name, i + 1);
		preset_read_group(r, group, ITEMS(exit_items), exit);
		if (config_setting_get_member(group, "code") == NULL ||
		    config_setting_get_member(group, "outcome") == NULL)
			fault_add(r->faults, preset_place(r, group),
			    "%s: write { code = 1; outcome = \"failed\"; }",
			    r->owner);
	}
	if (preset->exits == NULL)
		r->no_memory = true;
}

int
preset_read(struct preset_reader *r, struct worker_preset *ret)
{
	const config_setting_t *root = config_root_setting(&r->source->tree);

	ret->path = preset_keep_text(r, r->source->path);
	ret->hash = r->source->hash;
	ret->provider = ret->name;
	ret->login = "";
	ret->argv = ret->resume = arena_alloc(r->keep, sizeof(*ret->argv));
	if (ret->argv == NULL)
		return -1;
	ret->startup_limit_ms = 90 * 1000;
	ret->grace_ms = 10 * 1000;
	if (!r->source->parsed)
		return 0;
	(void)snprintf(r->owner, sizeof(r->owner), "preset %s", ret->name);
	preset_read_group(r, root, ITEMS(top_items), ret);
	preset_check(r, ret);
	read_rules(r, ret);
	read_exits(r, ret);
	if (r->no_memory)
		errno = ENOMEM;
	return r->no_memory ? -1 : 0;
}
