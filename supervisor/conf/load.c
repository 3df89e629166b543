#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/hash.h"
#include "base/text.h"
#include "conf/holder.h"
#include "conf/load.h"
#include "conf/resolve.h"

/* The components that come with the supervisor, as a file would have them.
 * They are always tried again: the fleet needs them. */
static const char housekeeping[] =
    "components = (\n"
    "{ name = \"recorder\"; command = [ \"loopkeeper-recorder\" ];\n"
    "  ready = \"notify\"; mode_when_down = \"file-based\";\n"
    "  restart = { max_restarts = 0; delay = \"100ms\";\n"
    "  delay_max = \"1s\"; }; },\n"
    "{ name = \"logger\"; command = [ \"loopkeeper-logger\" ];\n"
    "  ready = \"notify\";\n"
    "  restart = { max_restarts = 0; delay = \"100ms\";\n"
    "  delay_max = \"1s\"; }; } );\n";

/* The included files, and those that they include. */
static int
read_includes(struct load *l)
{
	for (struct source *s = l->sources.first; s != NULL; s = s->next) {
		struct reader r = { .source = s,
			.faults = &l->faults,
			.owner = "",
			.first = 0,
			.end = KEY_FIRST_OF_COMPONENT };
		struct draft d;
		const struct value *v = &d.values[KEY_INCLUDE];

		if (!s->parsed)
			continue;
		draft_init(&d);
		draft_read(&r, config_root_setting(&s->tree), "", &d);
		for (size_t i = 0; i < draft_count(v); i++)
			if (source_include(&l->sources, draft_word(v, i),
				draft_place(v, i)) < 0)
				return -1;
		if (s == l->sources.first)
			l->file = d;
	}
	return 0;
}

/* An included file adds components, and nothing else. */
static void
check_included(struct load *l, const struct source *s)
{
	const config_setting_t *root = config_root_setting(&s->tree);

	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *item =
		    config_setting_get_elem(root, (unsigned)i);
		const char *name = config_setting_name(item);

		if (strcmp(name, "components") != 0 &&
		    strcmp(name, "include") != 0)
			fault_add(&l->faults,
			    (struct place){
				s, config_setting_source_line(item) },
			    "%s belongs in %s: an included file only adds "
			    "components",
			    name, l->sources.first->shown);
	}
}

static void
read_base(struct load *l, const struct value *v, const char *prefix,
    enum key_id first)
{
	struct reader r = { .source = v->at.source,
		.faults = &l->faults,
		.owner = first == KEY_FIRST_OF_LOOP ? "loops" : "defaults",
		.first = first,
		.end = KEY_COUNT };

	if (v->setting == NULL)
		return;
	draft_read(&r, v->setting, prefix, &l->base);
}

/* state_directory and control_group: what the fleet is told. */
static void
fill_fleet(struct load *l, const char *path)
{
	struct fleet_config *fleet = &l->conf->fleet;
	const struct value *group = &l->file.values[KEY_CONTROL_GROUP];
	char state[PATH_SIZE];

	fleet->magic = FLEET_MAGIC;
	fleet->version = CONFIG_VERSION;
	fleet->control_gid = UINT32_MAX;
	if (resolve_path(state, l->sources.first->directory,
		l->file.values[KEY_STATE_DIRECTORY].text) < 0) {
		draft_fault(&l->faults, &l->file, KEY_STATE_DIRECTORY,
		    "is too long a path");
		state[0] = '\0';
	}
	(void)strlcpy(
	    fleet->state_directory, state, sizeof(fleet->state_directory));
	(void)strlcpy(fleet->config_path, path, sizeof(fleet->config_path));
	l->state_directory = fleet->state_directory;
	for (int id = 0; id < KEY_FIRST_OF_COMPONENT; id++)
		if (keys[id].home == HOME_CONF)
			load_store(
			    l->conf, &keys[id], l->file.values[id].number);
	if (group->text[0] != '\0') {
		int64_t gid =
		    user_group(&l->file, &l->faults, KEY_CONTROL_GROUP);

		if (gid >= 0)
			fleet->control_gid = (uint32_t)gid;
	}
}

static bool
is_our(const char *program, const struct component_config *c)
{
	const char *path =
	    c->command.count > 0 ? config_item(c, c->command, 0) : "";
	const char *slash = strrchr(path, '/');

	return slash != NULL && strcmp(slash + 1, program) == 0;
}

/*
 * What a component reads from the file by itself is no part of its struct.
 * Mixed into its hashes it still makes a change of it a restart.
 */
static void
mix_in(struct component_config *c, uint64_t hash)
{
	c->hash = hash_bytes(c->hash, &hash, sizeof(hash));
	c->start_hash = hash_bytes(c->start_hash, &hash, sizeof(hash));
}

/* The groups that a component's program reads: loop, monitor, regressions,
 * pm. */
static int
read_own_groups(
    struct load *l, const struct draft *d, struct component_config *c)
{
	const struct loop_config *loop;

	if (is_our("loopkeeper-monitor", c))
		mix_in(c, load_hash(l->conf, KEY_MONITOR_EVERY, KEY_PM_EVERY));
	if (is_our("loopkeeper-pm", c)) {
		mix_in(c,
		    load_hash(l->conf, KEY_REGRESSIONS_AUTO_ROLLBACK,
			KEY_REGRESSIONS_HOLD_CLAIMS));
		mix_in(c, load_hash(l->conf, KEY_MONITOR_EVERY, KEY_PM_EVERY));
		mix_in(c,
		    load_hash(l->conf, KEY_PM_EVERY, KEY_BUDGET_ATTEMPT_USD));
	}
	if (!c->is_loop)
		return 0;
	if (load_loop(l, d) < 0)
		return -1;
	mix_in(
	    c, load_hash(l->conf, KEY_REGRESSIONS_HOLD_CLAIMS, KEY_PM_EVERY));
	mix_in(c, load_hash(l->conf, KEY_BUDGET_ATTEMPT_USD, KEY_COMPONENTS));
	loop = &l->conf->loops[l->conf->nloops - 1];
	mix_in(c, load_hash(loop, KEY_FIRST_OF_LOOP, KEY_COUNT));
	if (loop->preset != NULL)
		mix_in(c, loop->preset->hash);
	if (loop->second_preset != NULL)
		mix_in(c, loop->second_preset->hash);
	return 0;
}

/* Whether the program that the draft's command names is ours of that name. */
static bool
names_program(const struct draft *d, const char *program)
{
	const struct value *command = &d->values[KEY_COMMAND];
	const char *word, *slash;

	if (draft_count(command) == 0)
		return false;
	word = draft_word(command, 0);
	slash = strrchr(word, '/');
	return strcmp(slash != NULL ? slash + 1 : word, program) == 0;
}

/* What this component is called in messages. */
static const char *
owner_of(struct load *l, const config_setting_t *group, int i)
{
	const char *name = NULL;
	char data[32], *copy;
	struct buf text;

	if (config_setting_lookup_string(group, "name", &name) == CONFIG_TRUE &&
	    text_is_name(name))
		return name;
	buf_init(&text, data, sizeof(data));
	buf_addf(&text, "component %d", i + 1);
	copy = arena_copy(&l->scratch, data);
	return copy != NULL ? copy : "component";
}

static void
check_missing(struct load *l, const struct reader *r, const struct draft *d,
    struct place at)
{
	if (d->values[KEY_NAME].at.source == NULL)
		fault_add(&l->faults, at,
		    "%s: name is missing: every component has one", r->owner);
	if (d->values[KEY_COMMAND].at.source == NULL)
		fault_add(&l->faults, at,
		    "%s: command is missing: write command = [ \"program\", "
		    "\"argument\" ];",
		    r->owner);
}

/* One group of `components`. Returns 0, or -1 with ENOMEM. */
static int
read_component(struct load *l, const struct source *s,
    const config_setting_t *group, int i)
{
	bool ours = s->next == NULL; /* housekeeping is the last source */
	struct member *m = &l->members[l->nmembers];
	struct place at = { s, config_setting_source_line(group) };
	struct reader r = { .source = s,
		.faults = &l->faults,
		.owner = owner_of(l, group, i),
		.first = KEY_FIRST_OF_COMPONENT,
		.end = KEY_COUNT };
	struct draft d;
	bool is_loop;

	if (ours) {
		draft_init(&d);
	} else {
		d = l->base;
		d.base_environment = d.values[KEY_ENVIRONMENT];
		d.values[KEY_ENVIRONMENT].setting = NULL;
	}
	d.values[KEY_NAME].owner = r.owner;
	draft_read(&r, group, "", &d);
	check_missing(l, &r, &d, at);
	if (d.values[KEY_NAME].at.source == NULL)
		d.values[KEY_NAME].at = at;
	is_loop = !ours &&
	    (config_setting_get_member(group, "loop") != NULL ||
		names_program(&d, "loopkeeper-loop"));
	m->config = load_component(l, &d, ours, is_loop);
	if (m->config == NULL || read_own_groups(l, &d, m->config) < 0)
		return -1;
	m->at =
	    d.values[KEY_NAME].at.source != NULL ? d.values[KEY_NAME].at : at;
	m->after = d.values[KEY_AFTER];
	l->conf->components[l->nmembers++] = m->config;
	return 0;
}

/* The monitor watches loops and runs their tests: it is to know all of them,
 * wherever in the files they stand. */
static void
mix_in_loops(struct load *l)
{
	for (size_t i = 0; i < l->nmembers; i++) {
		struct component_config *c = l->members[i].config;

		if (!is_our("loopkeeper-monitor", c))
			continue;
		for (size_t n = 0; n < l->conf->nloops; n++) {
			const struct loop_config *loop = &l->conf->loops[n];

			mix_in(c,
			    hash_bytes(load_hash(loop, KEY_LOOP_DIRECTORY,
					   KEY_LOOP_MAX_DELETED),
				loop->name, strlen(loop->name)));
			mix_in(c,
			    load_hash(loop, KEY_LOOP_VERIFY_LIMIT,
				KEY_LOOP_MIN_DISK));
		}
	}
}

/* The list of components of a source, or NULL. */
static const config_setting_t *
components_of(const struct source *s)
{
	const config_setting_t *list;

	if (!s->parsed)
		return NULL;
	list = config_setting_get_member(
	    config_root_setting(&s->tree), "components");
	if (list == NULL || !(config_setting_is_list(list)))
		return NULL;
	return list;
}

/* Memory for as many as there are. Returns 0, or -1 with ENOMEM. */
static int
make_room(struct load *l)
{
	size_t n = 0;

	for (struct source *s = l->sources.first; s != NULL; s = s->next) {
		const config_setting_t *list = components_of(s);

		if (list != NULL)
			n += (size_t)config_setting_length(list);
	}
	if (n > CONFIG_COMPONENTS_MAX) {
		fault_add(&l->faults, (struct place){ l->sources.first, 0 },
		    "there are %zu components; at most %d are supported", n,
		    CONFIG_COMPONENTS_MAX);
		return 0;
	}
	l->members = arena_alloc(&l->scratch, n * sizeof(*l->members));
	l->text = arena_alloc(&l->scratch, CONFIG_SIZE_MAX);
	l->conf->components =
	    arena_alloc(l->keep, n * sizeof(struct component_config *));
	l->conf->loops = arena_alloc(l->keep, n * sizeof(*l->conf->loops));
	return l->members == NULL || l->text == NULL ||
		l->conf->components == NULL || l->conf->loops == NULL
	    ? -1
	    : 0;
}

static int
read_components(struct load *l)
{
	if (make_room(l) < 0)
		return -1;
	if (l->members == NULL)
		return 0;
	for (struct source *s = l->sources.first; s != NULL; s = s->next) {
		const config_setting_t *list = components_of(s);
		int n = list != NULL ? config_setting_length(list) : 0;

		for (int i = 0; i < n; i++) {
			const config_setting_t *group =
			    config_setting_get_elem(list, (unsigned)i);

			if (config_setting_is_group(group) &&
			    read_component(l, s, group, i) < 0)
				return -1;
		}
	}
	l->conf->fleet.ncomponents = (uint32_t)l->nmembers;
	mix_in_loops(l);
	return load_check_names(l);
}

/* Everything after the main file's text. Returns 0, or -1 with ENOMEM. */
static int
read_all(struct load *l, const char *path)
{
	struct place nowhere = { NULL, 0 };

	draft_init(&l->file);
	draft_init(&l->base);
	program_path_init(&l->programs);
	if (read_includes(l) < 0)
		return -1;
	for (struct source *s = l->sources.first->next; s != NULL; s = s->next)
		if (s->parsed)
			check_included(l, s);
	if (source_add_text(&l->sources, "loopkeeper's own components", nowhere,
		housekeeping, strlen(housekeeping)) < 0)
		return -1;
	/* Their faults come after those of the files that name them. */
	l->preset_files = (struct sources){
		.arena = &l->scratch, .faults = &l->faults, .n = l->sources.n
	};
	fill_fleet(l, path);
	read_base(l, &l->file.values[KEY_DEFAULTS], "", KEY_NAME + 1);
	read_base(l, &l->file.values[KEY_LOOPS], "loop.", KEY_FIRST_OF_LOOP);
	return read_components(l);
}

struct conf *
load_text(const char *path, const char *text, size_t len, FILE *errors)
{
	struct holder *holder = calloc(1, sizeof(*holder));
	struct load l = { 0 };
	struct place nowhere = { NULL, 0 };
	bool whole;

	if (holder == NULL)
		return NULL;
	l.conf = &holder->conf;
	l.keep = &holder->arena;
	l.sources =
	    (struct sources){ .arena = &l.scratch, .faults = &l.faults };
	if (text != NULL)
		whole =
		    source_add_text(&l.sources, path, nowhere, text, len) == 0;
	else
		whole = source_add_file(&l.sources, path, nowhere) == 0;
	whole = whole && read_all(&l, path) == 0;
	fault_print(&l.faults, errors);
	if (!whole && errors != NULL)
		(void)fputs(
		    "not enough memory for the configuration\n", errors);
	if (!whole || fault_any(&l.faults)) {
		conf_free(&holder->conf);
		holder = NULL;
		errno = whole ? EINVAL : ENOMEM;
	}
	source_close(&l.sources);
	source_close(&l.preset_files);
	fault_free(&l.faults);
	arena_free(&l.scratch);
	return holder != NULL ? &holder->conf : NULL;
}
