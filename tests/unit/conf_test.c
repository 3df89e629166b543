/*
 * The configuration: the table of keys, numbers and their texts, what becomes
 * of a file, which change needs a restart. Messages are tested in
 * tests/config.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/path.h"
#include "conf/load.h"
#include "conf/resolve.h"
#include "conf/value.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A directory with programs of the names that files here use. */
struct place_of_test {
	char path[PATH_SIZE];
	char conf[PATH_SIZE];
};
static struct place_of_test here;

static const char *const programs[] = { "loopkeeper-recorder",
	"loopkeeper-logger", "loopkeeper-monitor", "loopkeeper-loop", "prog",
	"other", "python3" };

static void
put(const char *name, const char *text, mode_t mode)
{
	char path[PATH_SIZE];
	FILE *file;

	assert_int_equal(path_format(path, "%s/%s", here.path, name), 0);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
drop(const char *name)
{
	char path[PATH_SIZE];

	assert_int_equal(path_format(path, "%s/%s", here.path, name), 0);
	(void)unlink(path);
}

static int
set_up(void **state)
{
	char made[] = "/tmp/lk-conf.XXXXXX";

	(void)state;
	if (mkdtemp(made) == NULL || realpath(made, here.path) == NULL ||
	    path_format(here.conf, "%s/f.conf", here.path) < 0)
		return -1;
	for (size_t i = 0; i < COUNT(programs); i++)
		put(programs[i], "#!/bin/sh\n", 0755);
	return setenv("PATH", here.path, 1);
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(programs); i++)
		drop(programs[i]);
	drop("f.conf");
	drop("more.conf");
	return rmdir(here.path);
}

/* Loads a text that must be good. */
static struct conf *
good(const char *text)
{
	struct conf *conf = load_text(here.conf, text, strlen(text), stderr);

	assert_non_null(conf);
	return conf;
}

/* Loads one component with these keys, over those every one needs. */
static struct conf *
one(const char *extra)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
	    "components = ( { name = \"a\"; %s%s } );",
	    strstr(extra, "command") == NULL ? "command = [ \"prog\" ]; " : "",
	    extra);
	return good(text);
}

/* Whether text is refused with a message that contains what. */
static void
refused(const char *text, const char *what)
{
	char *errors = NULL;
	size_t size;
	FILE *out = open_memstream(&errors, &size);
	struct conf *conf;

	assert_non_null(out);
	errno = 0;
	conf = load_text(here.conf, text, strlen(text), out);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fclose(out), 0);
	assert_null(conf);
	if (strstr(errors, what) == NULL)
		fail_msg("expected \"%s\" in: %s", what, errors);
	free(errors);
}

static void
test_numbers(void **state)
{
	static const struct {
		enum key_id id;
		const char *text;
		int64_t number;
	} cases[] = {
		{ KEY_ENABLED, "true", 1 },
		{ KEY_NICE, "-20", -20 },
		{ KEY_START_TIMEOUT, "1h30m", 5400000 },
		{ KEY_LOG_SIZE, "4096", 4096 },
		{ KEY_LOG_SIZE, "512M", INT64_C(512) << 20 },
		{ KEY_LOG_SIZE, "2GiB", INT64_C(2) << 30 },
		{ KEY_LOG_SIZE, "64kb", 65536 },
		{ KEY_STOP_SIGNAL, "TERM", 15 },
		{ KEY_STOP_SIGNAL, "sigint", 2 },
		{ KEY_STOP_SIGNAL, "9", 9 },
		{ KEY_READY, "notify", READY_NOTIFY },
		{ KEY_UMASK, "0027", 027 },
		{ KEY_SCHEDULE_DAILY, "00:00", 0 },
		{ KEY_SCHEDULE_DAILY, "23:59", 1439 },
		{ KEY_HEARTBEAT_LATE, "0.25", -250000 },
		{ KEY_HEARTBEAT_LATE, "30s", 30000 },
	};
	static const struct {
		enum key_id id;
		const char *text;
	} bad[] = { { KEY_ENABLED, "yes" }, { KEY_NICE, "20" },
		{ KEY_NICE, "" }, { KEY_START_TIMEOUT, "90" },
		{ KEY_START_TIMEOUT, "0" }, { KEY_LOG_SIZE, "1" },
		{ KEY_LOG_SIZE, "M" }, { KEY_LOG_SIZE, "4096MM" },
		{ KEY_LOG_SIZE, "99999999999T" }, { KEY_STOP_SIGNAL, "STOP" },
		{ KEY_STOP_SIGNAL, "0" }, { KEY_STOP_SIGNAL, "65" },
		{ KEY_READY, "Notify" }, { KEY_UMASK, "8" },
		{ KEY_UMASK, "01777" }, { KEY_SCHEDULE_DAILY, "24:00" },
		{ KEY_SCHEDULE_DAILY, "12:60" }, { KEY_SCHEDULE_DAILY, "1:00" },
		{ KEY_HEARTBEAT_LATE, "1" }, { KEY_HEARTBEAT_LATE, "nan" },
		{ KEY_HEARTBEAT_LATE, "-0.5" } };
	int64_t number;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
		    value_parse(&keys[cases[i].id], cases[i].text, &number), 0);
		assert_int_equal(number, cases[i].number);
	}
	number = 7;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_parse(&keys[bad[i].id], bad[i].text, &number) == 0)
			fail_msg("%s takes \"%s\"", keys[bad[i].id].name,
			    bad[i].text);
	assert_int_equal(number, 7);
}

/* The table by itself: every row whole, every default a value. */
static void
test_table(void **state)
{
	(void)state;
	for (int id = 0; id < KEY_COUNT; id++) {
		const struct key *key = &keys[id];
		int64_t number;

		assert_non_null(key->name);
		assert_non_null(key->help);
		assert_true(
		    (key->standard == NULL) != (key->otherwise == NULL));
		assert_int_equal(
		    key->type == TYPE_CHOICE, key->choices != NULL);
		if (key_is_number(key) && key->standard != NULL)
			assert_int_equal(
			    value_parse(key, key->standard, &number), 0);
		if (key_is_number(key) && key->home != HOME_NONE)
			assert_true(key->width == sizeof(bool) ||
			    key->width == sizeof(int32_t) ||
			    key->width == sizeof(int64_t));
		for (int other = id + 1; other < KEY_COUNT; other++)
			assert_string_not_equal(key->name, keys[other].name);
	}
}

/* What is printed as the defaults changes nothing where it is read. */
static void
test_defaults(void **state)
{
	static const char component[] =
	    "components = ( { name = \"a\"; command = [ \"prog\" ]; }, { name "
	    "= \"l\"; command = [ \"loopkeeper-loop\" ]; loop = { worker = [ "
	    "\"prog\" ]; }; } );\n";
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct conf *plain, *printed;

	(void)state;
	assert_non_null(out);
	conf_print_defaults(out);
	assert_true(fputs(component, out) >= 0);
	assert_int_equal(fclose(out), 0);
	plain = good(component);
	printed = good(text);
	assert_int_equal(plain->fleet.ncomponents, printed->fleet.ncomponents);
	for (uint32_t i = 0; i < plain->fleet.ncomponents; i++) {
		assert_int_equal(
		    plain->components[i]->hash, printed->components[i]->hash);
		assert_int_equal(plain->components[i]->start_hash,
		    printed->components[i]->start_hash);
	}
	assert_memory_equal(
	    &plain->monitor, &printed->monitor, sizeof(plain->monitor));
	assert_memory_equal(&plain->pm, &printed->pm, sizeof(plain->pm));
	conf_free(plain);
	conf_free(printed);
	free(text);
}

/* One change for every key of a component; NULL: needs root. */
static const char *const changes[KEY_COUNT] = {
	[KEY_TITLE] = "title = \"T\";",
	[KEY_COMMAND] = "command = [ \"prog\", \"x\" ];",
	[KEY_ENABLED] = "enabled = false;",
	[KEY_KIND] = "kind = \"k\";",
	[KEY_AFTER] = "after = [ \"recorder\" ];",
	[KEY_READY] = "ready = \"notify\"; heartbeat = { source = \"none\"; };",
	[KEY_START_TIMEOUT] = "start_timeout = \"7s\";",
	[KEY_HEARTBEAT_SOURCE] = "heartbeat = { source = \"notify\"; };",
	[KEY_HEARTBEAT_LATE] = "heartbeat = { late = 0.7; };",
	[KEY_RESTART_POLICY] = "restart = { policy = \"never\"; };",
	[KEY_RESTART_DELAY] = "restart = { delay = \"2s\"; };",
	[KEY_RESTART_DELAY_MAX] = "restart = { delay_max = \"2m\"; };",
	[KEY_RESTART_MAX_RESTARTS] = "restart = { max_restarts = 6; };",
	[KEY_RESTART_WINDOW] = "restart = { window = \"7m\"; };",
	[KEY_RESTART_STABLE_AFTER] = "restart = { stable_after = \"7m\"; };",
	[KEY_RESTART_RETRY_EVERY] = "restart = { retry_every = \"7m\"; };",
	[KEY_FALLBACK] = "fallback = [ \"other\" ];",
	[KEY_MODE_WHEN_DOWN] = "mode_when_down = \"slow\";",
	[KEY_STOP_SIGNAL] = "stop_signal = \"INT\";",
	[KEY_STOP_TIMEOUT] = "stop_timeout = \"7s\";",
	[KEY_WATCHDOG_SIGNAL] = "watchdog_signal = \"QUIT\";",
	[KEY_NOTIFY_ACCESS] = "notify_access = \"tree\";",
	[KEY_LOG_SIZE] = "log = { size = \"7M\"; };",
	[KEY_LOG_KEEP] = "log = { keep = 7; };",
	[KEY_LOG_WHEN_FULL] = "log = { when_full = \"drop\"; };",
	[KEY_WORKING_DIRECTORY] = "working_directory = \"/\";",
	[KEY_ENVIRONMENT] = "environment = { A = \"b\"; };",
	[KEY_UMASK] = "umask = \"022\";",
	[KEY_NICE] = "nice = 7;",
	[KEY_OOM_SCORE_ADJ] = "oom_score_adj = 200;",
	[KEY_NO_NEW_PRIVS] = "no_new_privs = true;",
	[KEY_LIMITS_NOFILE] = "limits = { nofile = 100; };",
	[KEY_LIMITS_NPROC] = "limits = { nproc = 100; };",
	[KEY_LIMITS_CORE] = "limits = { core = 0; };",
	[KEY_LIMITS_MEMORY] = "limits = { memory = \"1G\"; };",
	[KEY_LIMITS_PIDS] = "limits = { pids = 100; };",
	[KEY_LIMITS_REQUIRED] = "limits = { required = true; };",
};

/* Loads both texts and returns what is said of the difference, malloc'ed. */
static char *
difference(struct conf *old, struct conf *new)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	(void)conf_print_difference(old->components, old->fleet.ncomponents,
	    new->components, new->fleet.ncomponents, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* What the table says of a change is what the hashes say of it. */
static void
test_changes(void **state)
{
	struct conf *old = one("");

	(void)state;
	for (int id = KEY_NAME; id < KEY_FIRST_OF_LOOP; id++) {
		char expected[128], *told;
		struct conf *new;

		if (changes[id] == NULL)
			continue;
		new = one(changes[id]);
		told = difference(old, new);
		(void)snprintf(expected, sizeof(expected), "~ a: %s (%s)\n",
		    keys[id].restart ? "restart" : "in place", keys[id].name);
		assert_string_equal(told, expected);
		assert_true(
		    old->components[0]->hash != new->components[0]->hash);
		assert_int_equal(old->components[0]->start_hash !=
			new->components[0]->start_hash,
		    keys[id].restart);
		free(told);
		conf_free(new);
	}
	conf_free(old);
}

/* A timeout that was told to the program is another matter than one that only
 * the keeper looks at; a path needs its source; schedules change the policy. */
static void
test_changes_together(void **state)
{
	static const char *const pairs[][3] = {
		{ "ready = \"notify\";",
		    "ready = \"notify\"; heartbeat = { timeout = \"7m\"; };",
		    "~ a: restart (heartbeat.timeout)\n" },
		{ "heartbeat = { source = \"database\"; };",
		    "heartbeat = { source = \"database\"; timeout = \"7m\"; };",
		    "~ a: in place (heartbeat.timeout, heartbeat.late)\n" },
		{ "heartbeat = { source = \"file\"; path = \"/x\"; };",
		    "heartbeat = { source = \"file\"; path = \"/y\"; };",
		    "~ a: in place (heartbeat.path)\n" },
		{ "schedule = { every = \"7m\"; };",
		    "schedule = { every = \"8m\"; };",
		    "~ a: in place (schedule.every)\n" },
		{ "schedule = { daily = \"03:30\"; };",
		    "schedule = { daily = \"03:31\"; };",
		    "~ a: in place (schedule.daily)\n" },
		{ "loop = { worker = [ \"prog\" ]; };",
		    "loop = { worker = [ \"other\" ]; };",
		    "~ a: restart (loop)\n" },
		{ "nice = 1; stop_timeout = \"1s\";",
		    "nice = 2; stop_timeout = \"2s\";",
		    "~ a: restart (nice)\n" },
		{ "after = [ ];", "after = [ ];", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct conf *old, *new;
		char *told;

		old = one(pairs[i][0]);
		new = one(pairs[i][1]);
		told = difference(old, new);
		assert_string_equal(told, pairs[i][2]);
		free(told);
		conf_free(old);
		conf_free(new);
	}
}

/* What an agent reads from the file itself restarts it, and it alone. */
static void
test_own_groups(void **state)
{
	static const char components[] =
	    "components = ( { name = \"m\"; command = [ \"loopkeeper-monitor\" "
	    "]; }, { name = \"b\"; command = [ \"prog\" ]; } );";
	char text[512], *told;
	struct conf *old, *new;

	(void)state;
	old = good(components);
	(void)snprintf(text, sizeof(text), "%s monitor = { every = \"7s\"; };",
	    components);
	new = good(text);
	assert_int_equal(new->monitor.every_ms, 7000);
	told = difference(old, new);
	assert_string_equal(told, "~ m: restart (its own group)\n");
	free(told);
	conf_free(new);
	new = good("components = ( { name = \"b\"; command = [ \"prog\" ]; }, "
		   "{ name = \"c\"; command = [ \"prog\" ]; } );");
	told = difference(old, new);
	assert_string_equal(told, "- m\n+ c\n");
	free(told);
	conf_free(new);
	conf_free(old);
}

/* The monitor is to know a loop that was added, and where its tests run. */
static void
test_monitor_knows_loops(void **state)
{
	static const char format[] =
	    "components = ( { name = \"m\"; command = [ "
	    "\"loopkeeper-monitor\" ]; }, { name = \"l\"; command = [ "
	    "\"loopkeeper-loop\" ]; loop = { worker = [ \"prog\" ]; "
	    "repository = \".\"; %s }; } );";
	char text[512], *told;
	struct conf *old, *new;

	(void)state;
	(void)snprintf(text, sizeof(text), format, "");
	old = good(text);
	(void)snprintf(
	    text, sizeof(text), format, "integration_branch = \"b\";");
	new = good(text);
	told = difference(old, new);
	assert_non_null(strstr(told, "~ m: restart"));
	free(told);
	conf_free(new);
	(void)snprintf(text, sizeof(text), format, "time_limit = \"9h\";");
	new = good(text);
	told = difference(old, new);
	assert_null(strstr(told, "~ m:"));
	free(told);
	conf_free(new);
	conf_free(old);
}

static const char *
text_of(const struct component_config *c, uint32_t offset)
{
	return config_text(c, offset);
}

static void
test_component(void **state)
{
	struct conf *conf = one(
	    "ready = \"notify\"; heartbeat = { timeout = \"10s\"; }; restart = "
	    "{ delay = \"2m\"; }; working_directory = \"../x\"; after = [ "
	    "\"logger\", \"recorder\" ]; command = [ \"./prog\", \"\", \"y\" "
	    "]; schedule = { daily = \"03:30\"; };");
	const struct component_config *c = conf->components[0];
	char expected[PATH_SIZE];

	(void)state;
	assert_int_equal(conf->fleet.ncomponents, 3);
	assert_int_equal(conf->fleet.control_gid, UINT32_MAX);
	assert_string_equal(conf->fleet.config_path, here.conf);
	assert_true(config_is_valid(c, c->size));
	assert_string_equal(text_of(c, c->title), "a");
	assert_int_equal(c->heartbeat, HEARTBEAT_NOTIFY);
	assert_int_equal(c->heartbeat_late_ms, 5000);
	assert_int_equal(c->restart.delay_max_ms, 120000);
	assert_int_equal(c->restart.policy, RESTART_ON_FAILURE);
	assert_int_equal(c->schedule_daily_min, 210);
	assert_int_equal(c->schedule_every_ms, 0);
	assert_int_equal(c->umask, -1);
	assert_int_equal(c->limits.nofile, -1);
	assert_int_equal(c->command.count, 3);
	assert_int_equal(path_format(expected, "%s/prog", here.path), 0);
	assert_string_equal(config_item(c, c->command, 0), expected);
	assert_string_equal(config_item(c, c->command, 1), "");
	assert_string_equal(config_item(c, c->command, 2), "y");
	assert_string_equal(config_item(c, c->after, 1), "recorder");
	assert_string_equal(text_of(c, c->working_directory), "/tmp/x");
	assert_true(conf->components[1]->housekeeping);
	assert_string_equal(conf->components[1]->name, "recorder");
	assert_int_equal(conf->components[1]->mode_when_down, MODE_FILE_BASED);
	assert_int_equal(conf->components[1]->heartbeat, HEARTBEAT_NOTIFY);
	assert_int_equal(conf->components[1]->restart.max_restarts, 0);
	conf_free(conf);
}

/* The value of a variable, or NULL; fails when it stands there twice. */
static const char *
variable(const struct component_config *c, const char *name)
{
	const char *found = NULL;
	size_t len = strlen(name);

	for (uint32_t i = 0; i < c->environment.count; i++) {
		const char *item = config_item(c, c->environment, i);

		if (strncmp(item, name, len) != 0 || item[len] != '=')
			continue;
		assert_null(found);
		found = item + len + 1;
	}
	return found;
}

static void
test_environment(void **state)
{
	struct conf *conf = good(
	    "state_directory = \"/s\"; defaults = { environment = [ \"A=1\", "
	    "\"A=2\", \"_B=x=y\", \"C=1\" ]; }; components = ( { name = \"a\"; "
	    "command = [ \"prog\" ]; environment = { C = 3; D = true; "
	    "PYTHONUNBUFFERED = \"\"; }; }, { name = \"b\"; command = [ "
	    "\"prog\" ]; } );");
	const struct component_config *a = conf->components[0];
	const struct component_config *b = conf->components[1];

	(void)state;
	assert_string_equal(variable(a, "A"), "2");
	assert_string_equal(variable(a, "_B"), "x=y");
	assert_string_equal(variable(a, "C"), "3");
	assert_string_equal(variable(b, "C"), "1");
	assert_string_equal(variable(a, "D"), "true");
	assert_null(variable(b, "D"));
	assert_string_equal(variable(a, "PYTHONUNBUFFERED"), "");
	assert_string_equal(variable(b, "PYTHONUNBUFFERED"), "1");
	assert_int_equal(a->environment.count, 5);
	assert_int_equal(b->environment.count, 4);
	assert_null(variable(b, "HOME"));
	conf_free(conf);
}

static void
test_user(void **state)
{
	struct conf *conf;

	(void)state;
	if (geteuid() != 0) {
		refused("components = ( { name = \"a\"; command = [ \"prog\" "
			"]; user = \"root\"; } );",
		    "user can only be set when loopkeeper runs as root");
		return;
	}
	conf = one("user = \"nobody\";");
	assert_true(conf->components[0]->has_user);
	assert_true(conf->components[0]->uid > 0);
	assert_true(conf->components[0]->ngroups > 0);
	assert_string_equal(variable(conf->components[0], "USER"), "nobody");
	assert_string_equal(variable(conf->components[0], "LOGNAME"), "nobody");
	assert_non_null(variable(conf->components[0], "HOME"));
	conf_free(conf);
	conf = one("group = \"daemon\";");
	assert_true(conf->components[0]->has_user);
	assert_int_equal(conf->components[0]->uid, 0);
	assert_true(conf->components[0]->gid > 0);
	assert_null(variable(conf->components[0], "USER"));
	conf_free(conf);
}

static void
test_kind(void **state)
{
	static const char *const cases[][2] = {
		{ "command = [ \"prog\", \"x\" ];", "prog" },
		{ "command = [ \"python3\", \"-u\", \"/x/agent.py\" ];",
		    "agent.py" },
		{ "command = [ \"python3\", \"-m\", \"agents.web\" ];",
		    "agents.web" },
		{ "command = [ \"python3\", \"-c\", \"pass\" ];", "a" },
		{ "command = [ \"python3\" ];", "a" },
		{ "command = [ \"prog\" ]; kind = \"web\";", "web" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf *conf = one(cases[i][0]);

		assert_string_equal(conf->components[0]->kind, cases[i][1]);
		conf_free(conf);
	}
}

static void
test_loop(void **state)
{
	struct conf *conf = good(
	    "state_directory = \"/s\"; loops = { worker = [ \"prog\", \"-p\" "
	    "]; time_limit = \"7m\"; repository = \"r\"; }; components = ( { "
	    "name = \"l-1\"; title = \"One\"; command = [ \"loopkeeper-loop\" "
	    "]; loop = { priority = 1; directory = \"d\"; }; }, { name = "
	    "\"l-2\"; command = [ \"loopkeeper-loop\" ]; }, { name = \"p\"; "
	    "command = [ \"prog\" ]; } );");
	const struct loop_config *first = conf_loop(conf, "l-1");
	const struct loop_config *second = conf_loop(conf, "l-2");
	char expected[PATH_SIZE];

	(void)state;
	assert_int_equal(conf->nloops, 2);
	assert_non_null(first);
	assert_non_null(second);
	assert_null(conf_loop(conf, "p"));
	assert_true(conf->components[1]->is_loop);
	assert_false(conf->components[2]->is_loop);
	assert_int_equal(first->priority, 1);
	assert_int_equal(second->priority, 5);
	assert_string_equal(first->title, "One");
	assert_string_equal(second->title, "");
	assert_string_equal(first->directory, "/s/d");
	assert_string_equal(second->directory, "/s/l-2");
	assert_int_equal(path_format(expected, "%s/r", here.path), 0);
	assert_string_equal(second->repository, expected);
	assert_int_equal(path_format(expected, "%s/prog", here.path), 0);
	assert_string_equal(second->worker[0], expected);
	assert_string_equal(second->worker[1], "-p");
	assert_null(second->worker[2]);
	assert_int_equal(second->time_limit_ms, 420000);
	assert_int_equal(second->slow_pause_ms, 60000);
	assert_string_equal(second->prompt, "");
	conf_free(conf);
}

#define MINUTE INT64_C(60000)

/* The five clocks of a worker, where nobody says anything. */
static void
test_clocks(void **state)
{
	struct conf *conf =
	    good("loops = { worker = [ \"prog\" ]; repository = \"r\"; };"
		 " components = ( { name = \"l-1\"; command = [ "
		 "\"loopkeeper-loop\" ]; loop = { }; } );");
	const struct loop_config *loop = conf_loop(conf, "l-1");

	(void)state;
	assert_non_null(loop);
	/* A preset says 90 s; another program may keep quiet. */
	assert_int_equal(loop->startup_limit_ms, -1);
	assert_int_equal(loop->silence_limit_ms, 10 * MINUTE);
	assert_int_equal(loop->input_limit_ms, 2 * MINUTE);
	assert_int_equal(loop->progress_limit_ms, 60 * MINUTE);
	assert_int_equal(loop->time_warning_ms, 30 * MINUTE);
	assert_int_equal(loop->time_limit_ms, 120 * MINUTE);
	assert_int_equal(loop->verify_limit_ms, 10 * MINUTE);
	assert_int_equal(loop->setup_limit_ms, 30 * MINUTE);
	assert_int_equal(loop->max_output, 1024 * 1024 * 1024);
	assert_int_equal(conf->budget.attempt_usd, -1);
	assert_int_equal(conf->budget.attempt_tokens, -1);
	assert_int_equal(conf->budget.loop_day_usd, -1);
	assert_int_equal(conf->budget.day_usd, -1);
	conf_free(conf);
}

/* The file itself, with an include beside it. */
static void
test_files(void **state)
{
	char found[PATH_SIZE], path[PATH_SIZE];
	struct conf *conf;

	(void)state;
	put("f.conf",
	    "include = [ \"m*.conf\", \"none/*.conf\" ];\ncomponents = ( { "
	    "name = \"a\"; command = \"prog\"; } );",
	    0600);
	put("more.conf",
	    "components = ( { name = \"b\"; command = [ \"prog\" ]; after = [ "
	    "\"a\" ]; } );",
	    0600);
	assert_int_equal(path_format(path, "%s/./f.conf", here.path), 0);
	assert_int_equal(conf_find(path, found, NULL), 0);
	assert_string_equal(found, here.conf);
	conf = conf_load(found, stderr);
	assert_non_null(conf);
	assert_string_equal(conf->components[1]->name, "b");
	assert_int_equal(conf->fleet.ncomponents, 4);
	conf_free(conf);
	assert_int_equal(conf_find("/nonexistent", found, NULL), -1);
	assert_int_equal(errno, ENOENT);
}

static void
test_flat(void **state)
{
	struct conf *conf = one("");
	int fd = memfd_create("flat", MFD_CLOEXEC);
	struct fleet_config fleet;
	off_t end;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(conf_write_flat(conf, fd), 0);
	end = lseek(fd, 0, SEEK_CUR);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(io_read_all(fd, &fleet, sizeof(fleet)), 0);
	assert_int_equal(fleet.magic, FLEET_MAGIC);
	for (uint32_t i = 0; i < fleet.ncomponents; i++) {
		static _Alignas(8) unsigned char bytes[CONFIG_SIZE_MAX];
		uint32_t size;

		assert_int_equal(io_read_all(fd, &size, sizeof(size)), 0);
		assert_true(size < sizeof(bytes));
		(void)memcpy(bytes, &size, sizeof(size));
		assert_int_equal(
		    io_read_all(fd, bytes + sizeof(size), size - sizeof(size)),
		    0);
		assert_true(config_is_valid(bytes, size));
	}
	assert_int_equal(lseek(fd, 0, SEEK_CUR), end);
	assert_int_equal(close(fd), 0);
	conf_free(conf);
}

/* However broken the rest is, `down` must find the state directory. */
static void
test_state_directory(void **state)
{
	static const char *const cases[][2] = {
		{ "state_directory = \"/s\"; components = ( ( { \"", "/s" },
		{ "x = { state_directory = \"/no\"; };\n/* state_directory = "
		  "\"/no\" */ state_directory : \"a \\\"b\\\\\" ;",
		    NULL },
		{ "", "state" },
		{ "state_directory = 3;", "state" },
	};
	char path[PATH_SIZE], expected[PATH_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *name =
		    cases[i][1] != NULL ? cases[i][1] : "a \"b\\";

		put("f.conf", cases[i][0], 0600);
		assert_int_equal(
		    conf_state_directory(here.conf, path, stderr), 0);
		if (name[0] == '/')
			assert_string_equal(path, name);
		assert_int_equal(path_resolve(expected, here.path, name), 0);
		assert_string_equal(path, expected);
	}
	assert_int_equal(conf_state_directory("/nonexistent", path, NULL), -1);
	assert_int_equal(errno, EINVAL);
}

static void
test_paths(void **state)
{
	static const char *const cases[][3] = {
		{ "/a/b", "c", "/a/b/c" },
		{ "/a/b", "./c/../d", "/a/b/c/../d" },
		{ "/a/b", "../c", "/a/c" },
		{ "/a/b", "../../../c", "/c" },
		{ "/a/b", "..", "/a" },
		{ "/a", "..", "/" },
		{ "/", "x", "/x" },
		{ "/a", ".", "/a" },
		{ "/a", "..x", "/a/..x" },
		{ "/a", "/b/../c", "/b/../c" },
	};
	char path[PATH_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
		    resolve_path(path, cases[i][0], cases[i][1]), 0);
		assert_string_equal(path, cases[i][2]);
	}
}

/* Limits of size, which no file of tests/config could show. */
static void
test_large(void **state)
{
	size_t size = 70000;
	char *text = malloc(2 * size);

	(void)state;
	assert_non_null(text);
	(void)snprintf(text, 2 * size,
	    "components = ( { name = \"a\"; command = [ \"prog\", \"%0*d\" ]; "
	    "} );",
	    (int)size, 0);
	refused(text, "texts are larger than 64 kB");
	(void)snprintf(
	    text, 2 * size, "state_directory = \"%0*d\";", (int)size, 0);
	refused(text, "state_directory is too long a path");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_changes_together),
		cmocka_unit_test(test_own_groups),
		cmocka_unit_test(test_monitor_knows_loops),
		cmocka_unit_test(test_component),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_state_directory),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
