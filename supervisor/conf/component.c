/*
 * One component: from its values to the flat struct that daemon and keeper
 * read, with users, programs and paths resolved.
 */
#include <string.h>

#include <bsd/string.h>

#include "base/duration.h"
#include "conf/load.h"
#include "conf/resolve.h"
#include "conf/value.h"

#define MILLION 1000000

/* A component on its way: fields in c, texts in text. */
struct making {
	struct load *l;
	const struct draft *d;
	struct component_config *c;
	struct buf text; /* l->text; offset 0 holds the NUL */
};

static uint32_t
add_text(struct making *m, const char *text)
{
	uint32_t offset = (uint32_t)m->text.len;

	if (text[0] == '\0')
		return 0;
	buf_add_bytes(&m->text, text, strlen(text) + 1);
	return offset;
}

static void
store_numbers(struct making *m)
{
	for (int id = 0; id < KEY_COUNT; id++)
		if (keys[id].home == HOME_COMPONENT && key_is_number(&keys[id]))
			load_store(m->c, &keys[id], m->d->values[id].number);
}

static bool
is_set(const struct draft *d, enum key_id id)
{
	return d->values[id].setting != NULL;
}

/* Whether the component sets it itself, and not `defaults` for all. */
static bool
is_own(const struct draft *d, enum key_id id)
{
	return is_set(d, id) &&
	    d->values[id].owner == d->values[KEY_NAME].owner;
}

static void
fill_heartbeat(struct making *m)
{
	const struct draft *d = m->d;
	struct component_config *c = m->c;
	int64_t late = d->values[KEY_HEARTBEAT_LATE].number;
	const char *path = d->values[KEY_HEARTBEAT_PATH].text;
	char timeout[DURATION_SIZE];

	if (!is_set(d, KEY_HEARTBEAT_SOURCE))
		c->heartbeat = c->ready == READY_NOTIFY ? HEARTBEAT_NOTIFY
							: HEARTBEAT_NONE;
	if (late < 0)
		late = (int64_t)(-(double)late / MILLION *
		    (double)c->heartbeat_timeout_ms);
	c->heartbeat_late_ms = late > 0 ? late : 1;
	duration_format_exact(timeout, c->heartbeat_timeout_ms);
	if (late >= c->heartbeat_timeout_ms)
		draft_fault(&m->l->faults, d, KEY_HEARTBEAT_LATE,
		    "must be below heartbeat.timeout (%s for %s)", timeout,
		    c->name);
	if (c->heartbeat == HEARTBEAT_FILE && path[0] == '\0')
		draft_fault(&m->l->faults, d, KEY_HEARTBEAT_SOURCE,
		    "is \"file\", but heartbeat.path isn't set");
	if (c->heartbeat != HEARTBEAT_FILE && path[0] != '\0' &&
	    is_own(d, KEY_HEARTBEAT_PATH))
		draft_fault(&m->l->faults, d, KEY_HEARTBEAT_PATH,
		    "is set, but heartbeat.source isn't \"file\"");
}

static void
fill_restart(struct making *m)
{
	const struct draft *d = m->d;
	struct component_config *c = m->c;
	bool job =
	    is_set(d, KEY_SCHEDULE_EVERY) || is_set(d, KEY_SCHEDULE_DAILY);
	char delay[DURATION_SIZE], delay_max[DURATION_SIZE];

	if (!is_set(d, KEY_RESTART_POLICY))
		c->restart.policy = RESTART_ALWAYS;
	if (job && !is_own(d, KEY_RESTART_POLICY) &&
	    c->restart.policy == RESTART_ALWAYS)
		c->restart.policy = RESTART_ON_FAILURE;
	if (job && c->restart.policy == RESTART_ALWAYS)
		draft_fault(&m->l->faults, d, KEY_RESTART_POLICY,
		    "is \"always\", but there is a schedule: a job that has "
		    "ended waits for its time; take \"on-failure\" or "
		    "\"never\"");
	if (is_set(d, KEY_SCHEDULE_EVERY) && is_set(d, KEY_SCHEDULE_DAILY))
		draft_fault(&m->l->faults, d, KEY_SCHEDULE_DAILY,
		    "and schedule.every exclude each other: keep one");
	if (!is_set(d, KEY_SCHEDULE_EVERY))
		c->schedule_every_ms = 0;
	if (c->restart.delay_max_ms >= c->restart.delay_ms)
		return;
	/* A longer delay by whoever didn't set the longest one raises it. */
	if (d->values[KEY_RESTART_DELAY_MAX].owner !=
	    d->values[KEY_RESTART_DELAY].owner) {
		c->restart.delay_max_ms = c->restart.delay_ms;
		return;
	}
	duration_format_exact(delay, c->restart.delay_ms);
	duration_format_exact(delay_max, c->restart.delay_max_ms);
	draft_fault(&m->l->faults, d, KEY_RESTART_DELAY_MAX,
	    "(%s) must not be below restart.delay (%s)", delay_max, delay);
}

/* Copies identities; the one looked up last is remembered. */
static int
fill_user(struct making *m)
{
	struct load *l = m->l;
	const char *user = m->d->values[KEY_USER].text;
	const char *group = m->d->values[KEY_GROUP].text;

	if (l->user == NULL || fault_any(&l->faults) ||
	    strcmp(l->user, user) != 0 || strcmp(l->group, group) != 0) {
		if (user_resolve(m->d, &l->faults, &l->scratch, &l->identity) <
		    0)
			return -1;
		l->user = user;
		l->group = group;
	}
	if (!l->identity.taken_on)
		return 0;
	m->c->has_user = true;
	m->c->uid = l->identity.uid;
	m->c->gid = l->identity.gid;
	m->c->ngroups = l->identity.ngroups;
	for (uint32_t i = 0; i < l->identity.ngroups; i++)
		m->c->groups[i] = l->identity.groups[i];
	return 0;
}

/* The absolute path that a value means; "" stays so. */
static uint32_t
add_path(struct making *m, enum key_id id)
{
	const struct value *v = &m->d->values[id];
	char path[PATH_SIZE];

	if (v->text[0] == '\0')
		return 0;
	if (resolve_path(path, load_directory(m->l, v), v->text) < 0) {
		draft_fault(&m->l->faults, m->d, id, "is too long a path");
		return 0;
	}
	return add_text(m, path);
}

static void
fill_texts(struct making *m)
{
	const struct draft *d = m->d;
	const char *title = d->values[KEY_TITLE].text;

	m->c->title = add_text(m, title[0] != '\0' ? title : m->c->name);
	if (d->values[KEY_WORKING_DIRECTORY].text[0] != '\0')
		m->c->working_directory = add_path(m, KEY_WORKING_DIRECTORY);
	else
		m->c->working_directory =
		    add_text(m, m->l->sources.first->directory);
	m->c->heartbeat_path = add_path(m, KEY_HEARTBEAT_PATH);
}

/* A list of words; the first one is replaced where program is not NULL. */
static struct config_list
add_words(struct making *m, enum key_id id, const char *program)
{
	const struct value *v = &m->d->values[id];
	struct config_list list = { 0 };

	list.count = (uint32_t)draft_count(v);
	if (list.count == 0)
		return list;
	list.offset = (uint32_t)m->text.len;
	for (uint32_t i = 0; i < list.count; i++) {
		const char *word =
		    i == 0 && program != NULL ? program : draft_word(v, i);

		buf_add_bytes(&m->text, word, strlen(word) + 1);
	}
	return list;
}

static struct config_list
add_command(struct making *m, enum key_id id)
{
	char program[PATH_SIZE];

	if (draft_count(&m->d->values[id]) == 0 ||
	    load_program(m->l, m->d, id, program) < 0)
		return (struct config_list){ 0 };
	return add_words(m, id, program);
}

static void
fill_lists(struct making *m)
{
	m->c->command = add_command(m, KEY_COMMAND);
	m->c->fallback = add_command(m, KEY_FALLBACK);
	m->c->after = add_words(m, KEY_AFTER, NULL);
	m->c->environment.offset = (uint32_t)m->text.len;
	m->c->environment.count = load_environment(m->l, m->d, &m->text);
}

/* A component must have a name and a command. */
static void
check_required(struct making *m)
{
	const struct draft *d = m->d;
	const struct value *name = &d->values[KEY_NAME];
	const struct value *command = &d->values[KEY_COMMAND];

	if (name->setting != NULL && !text_is_name(name->text))
		draft_fault(&m->l->faults, d, KEY_NAME,
		    "\"%.60s\" is no name for a component: take letters, "
		    "digits, \".\", \"_\" and \"-\", a letter or digit "
		    "first, 48 at most, and not \"all\"",
		    name->text);
	if (command->setting != NULL && draft_count(command) == 0)
		draft_fault(&m->l->faults, d, KEY_COMMAND,
		    "is empty: write [ \"program\", \"argument\" ]");
}

/* Too many texts: the fault was told, and nothing of them is looked at. */
static void
forget_texts(struct making *m)
{
	static const struct config_list none = { 0 };

	m->c->title = m->c->working_directory = m->c->heartbeat_path = 0;
	m->c->command = m->c->fallback = none;
	m->c->environment = m->c->after = none;
	m->text.len = 1;
}

/* The finished struct, in memory of its size. */
static struct component_config *
finish(struct making *m)
{
	struct component_config *done;

	if (m->text.cut || sizeof(*m->c) + m->text.len > CONFIG_SIZE_MAX) {
		draft_fault(&m->l->faults, m->d, KEY_NAME,
		    "\"%s\": its texts are larger than 64 kB together",
		    m->c->name);
		forget_texts(m);
	}
	m->c->version = CONFIG_VERSION;
	m->c->text_size = (uint32_t)m->text.len;
	m->c->size = (uint32_t)sizeof(*m->c) + m->c->text_size;
	done = arena_alloc(m->l->keep, m->c->size);
	if (done == NULL)
		return NULL;
	(void)memcpy(done, m->c, sizeof(*m->c));
	(void)memcpy(done->text, m->text.data, m->c->text_size);
	config_seal(done);
	return done;
}

struct component_config *
load_component(
    struct load *l, const struct draft *d, bool housekeeping, bool is_loop)
{
	struct component_config c = { .housekeeping = housekeeping,
		.is_loop = is_loop };
	struct making m = { .l = l, .d = d, .c = &c };

	buf_init(&m.text, l->text, CONFIG_SIZE_MAX);
	buf_add_bytes(&m.text, "", 1);
	(void)strlcpy(c.name, d->values[KEY_NAME].text, sizeof(c.name));
	check_required(&m);
	store_numbers(&m);
	fill_heartbeat(&m);
	fill_restart(&m);
	if (fill_user(&m) < 0)
		return NULL;
	load_kind(d, c.name, c.kind);
	fill_texts(&m);
	fill_lists(&m);
	return finish(&m);
}
