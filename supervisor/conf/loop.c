/* The `loop` group of a component: what its agent reads. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/load.h"
#include "conf/resolve.h"

#define WHY_SIZE 4096

static const char *
copy_path(struct load *l, const struct draft *d, enum key_id id,
    const char *directory, const char *text)
{
	char path[PATH_SIZE];

	if (resolve_path(path, directory, text) < 0) {
		draft_fault(&l->faults, d, id, "is too long a path");
		return "";
	}
	return arena_copy(l->keep, path);
}

/* Where no file says it. */
static const char *const lock_files[] = { "package-lock.json", "yarn.lock",
	"pnpm-lock.yaml", "bun.lock*", "Cargo.lock", "go.sum", "poetry.lock",
	"uv.lock", "Pipfile.lock", "requirements*.txt", "Gemfile.lock",
	"composer.lock", NULL };
static const char *const test_files[] = { "*.test.*", "*_test.*", "test_*",
	"*.spec.*", "tests/**", "test/**", "spec/**", "__tests__/**",
	"__snapshots__/**", "*.snap", NULL };
static const char *const none[] = { NULL };

/* The words of a list, or those of standard. NULL with ENOMEM. */
static char **
copy_words(struct load *l, const struct draft *d, enum key_id id,
    const char *const *standard)
{
	const struct value *v = &d->values[id];
	bool is_set = v->setting != NULL;
	size_t n = is_set ? draft_count(v) : 0;
	char **words;

	while (!is_set && standard[n] != NULL)
		n++;
	words = arena_alloc(l->keep, (n + 1) * sizeof(*words));
	for (size_t i = 0; words != NULL && i < n; i++) {
		words[i] = arena_copy(
		    l->keep, is_set ? draft_word(v, i) : standard[i]);
		if (words[i] == NULL)
			return NULL;
	}
	return words;
}

/* Paths inside a worktree: what leads out of it is a fault. */
static char **
copy_inner_paths(struct load *l, const struct draft *d, enum key_id id)
{
	char **paths = copy_words(l, d, id, none);

	for (size_t i = 0; paths != NULL && paths[i] != NULL; i++) {
		const char *p = paths[i];
		size_t len = strlen(p);

		if (p[0] == '\0' || p[0] == '/' || strcmp(p, "..") == 0 ||
		    strncmp(p, "../", 3) == 0 || strstr(p, "/../") != NULL ||
		    (len > 2 && strcmp(p + len - 3, "/..") == 0))
			draft_fault(&l->faults, d, id,
			    "must be paths inside the repository, not \"%s\"",
			    p);
	}
	return paths;
}

/* The program of a plain command. A name alone could have been a preset's,
 * too. Returns 0, or -1 after a fault. */
static int
find_worker(struct load *l, const struct draft *d, enum key_id id,
    char ret[static PATH_SIZE])
{
	const struct value *v = &d->values[id];
	const char *word = draft_word(v, 0);
	char data[WHY_SIZE];
	struct buf why;

	if (!load_may_be_preset(v))
		return load_program(l, d, id, ret);
	buf_init(&why, data, sizeof(data));
	load_explain_preset(l, v, word, &why);
	buf_add(&why, "; ");
	if (load_find_program(l, d, word, load_directory(l, v), ret, &why) == 0)
		return 0;
	fault_add(
	    &l->faults, v->at, "%s: %s: %s", v->owner, keys[id].name, data);
	return -1;
}

/* The worker's argv; an empty one after a fault, or where there is none. */
static char **
copy_worker(struct load *l, const struct draft *d, enum key_id id,
    const struct worker_preset **ret)
{
	const struct value *v = &d->values[id];
	size_t n = draft_count(v);
	char **argv = arena_alloc(l->keep, (n + 1) * sizeof(*argv));
	char program[PATH_SIZE];

	if (argv == NULL || load_preset(l, d, id, ret) < 0)
		return NULL;
	if (*ret != NULL)
		return (*ret)->argv;
	if (n == 0 || find_worker(l, d, id, program) < 0)
		return argv;
	for (size_t i = 0; i < n; i++) {
		argv[i] =
		    arena_copy(l->keep, i == 0 ? program : draft_word(v, i));
		if (argv[i] == NULL)
			return NULL;
	}
	return argv;
}

/* The template of the prompt for the worker of that key; with a preset there is
 * always one. */
static const char *
copy_prompt(struct load *l, const struct draft *d, enum key_id id,
    const struct worker_preset *preset)
{
	const struct value *v = &d->values[KEY_LOOP_PROMPT];
	const struct value *worker = &d->values[id];
	char path[PATH_SIZE], data[WHY_SIZE];
	struct buf places;

	if (v->text[0] != '\0')
		return copy_path(
		    l, d, KEY_LOOP_PROMPT, load_directory(l, v), v->text);
	if (preset == NULL)
		return "";
	if (load_shipped(l, worker, "prompt.txt", path) == 0)
		return arena_copy(l->keep, path);
	buf_init(&places, data, sizeof(data));
	load_add_places(l, worker, "prompt.txt", &places);
	draft_fault(&l->faults, d, KEY_LOOP_PROMPT,
	    "isn't set, and the prompt that comes with presets isn't there "
	    "(sought as %s)",
	    data);
	return "";
}

/* The second worker has the first one's, unless only it is a preset. */
static int
fill_prompts(struct load *l, const struct draft *d, struct loop_config *loop)
{
	bool is_only = loop->preset == NULL && loop->second_preset != NULL;

	loop->prompt = copy_prompt(l, d, KEY_LOOP_WORKER, loop->preset);
	loop->second_prompt = is_only
	    ? copy_prompt(l, d, KEY_LOOP_SECOND_WORKER, loop->second_preset)
	    : loop->prompt;
	return loop->prompt == NULL || loop->second_prompt == NULL ? -1 : 0;
}

static void
check(struct load *l, const struct draft *d, const struct loop_config *loop)
{
	const struct value *worker = &d->values[KEY_LOOP_WORKER];
	const char *prompt = loop->second_prompt; /* or both have none */

	if (worker->at.source == NULL)
		fault_add(&l->faults, d->values[KEY_NAME].at,
		    "%s: loop.worker is missing: a loop needs a command that "
		    "makes a test pass: loop = { worker = [ \"program\", "
		    "\"argument\" ]; }",
		    d->values[KEY_NAME].owner);
	else if (worker->setting != NULL && draft_count(worker) == 0)
		draft_fault(&l->faults, d, KEY_LOOP_WORKER,
		    "is empty: write [ \"program\", \"argument\" ]");
	if (prompt[0] != '\0' && access(prompt, R_OK) < 0)
		draft_fault(&l->faults, d, KEY_LOOP_PROMPT,
		    "can't be read: %s: %s", prompt, strerror(errno));
	for (size_t i = 0; i < l->conf->nloops; i++)
		if (strcmp(l->conf->loops[i].directory, loop->directory) == 0)
			fault_add(&l->faults,
			    d->values[KEY_LOOP_DIRECTORY].at.source != NULL
				? d->values[KEY_LOOP_DIRECTORY].at
				: d->values[KEY_NAME].at,
			    "%s: loop.directory %s is that of %s already: each "
			    "loop needs its own",
			    d->values[KEY_NAME].owner, loop->directory,
			    l->conf->loops[i].name);
}

static const char *
copy_branch(struct load *l, const struct draft *d, const char *name)
{
	const char *branch = d->values[KEY_LOOP_BRANCH].text;
	char text[TEXT_NAME_MAX + sizeof("/working")];

	if (branch[0] != '\0')
		return arena_copy(l->keep, branch);
	(void)snprintf(text, sizeof(text), "%s/working", name);
	return arena_copy(l->keep, text);
}

static int
fill_lists(struct load *l, const struct draft *d, struct loop_config *loop)
{
	loop->worker_options = copy_words(l, d, KEY_LOOP_WORKER_OPTIONS, none);
	loop->second_worker_options =
	    copy_words(l, d, KEY_LOOP_SECOND_WORKER_OPTIONS, none);
	loop->setup_when_changed =
	    copy_words(l, d, KEY_LOOP_SETUP_WHEN_CHANGED, lock_files);
	loop->copy = copy_inner_paths(l, d, KEY_LOOP_COPY);
	loop->shared = copy_inner_paths(l, d, KEY_LOOP_SHARED);
	loop->test_files = copy_words(l, d, KEY_LOOP_TEST_FILES, test_files);
	return loop->worker_options == NULL ||
		loop->second_worker_options == NULL ||
		loop->setup_when_changed == NULL || loop->copy == NULL ||
		loop->shared == NULL || loop->test_files == NULL
	    ? -1
	    : 0;
}

static int
fill(struct load *l, const struct draft *d, struct loop_config *loop)
{
	const struct value *directory = &d->values[KEY_LOOP_DIRECTORY];
	const struct value *repository = &d->values[KEY_LOOP_REPOSITORY];
	enum key_id at = repository->text[0] != '\0' ? KEY_LOOP_REPOSITORY
						     : KEY_WORKING_DIRECTORY;

	loop->name = arena_copy(l->keep, d->values[KEY_NAME].text);
	if (loop->name == NULL)
		return -1;
	loop->title = arena_copy(l->keep, d->values[KEY_TITLE].text);
	loop->worker = copy_worker(l, d, KEY_LOOP_WORKER, &loop->preset);
	loop->second_worker =
	    copy_worker(l, d, KEY_LOOP_SECOND_WORKER, &loop->second_preset);
	loop->directory = directory->text[0] != '\0'
	    ? copy_path(
		  l, d, KEY_LOOP_DIRECTORY, l->state_directory, directory->text)
	    : copy_path(
		  l, d, KEY_LOOP_DIRECTORY, l->state_directory, loop->name);
	loop->repository = copy_path(
	    l, d, at, load_directory(l, &d->values[at]), d->values[at].text);
	loop->integration_branch =
	    arena_copy(l->keep, d->values[KEY_LOOP_INTEGRATION_BRANCH].text);
	loop->branch = copy_branch(l, d, loop->name);
	loop->setup = arena_copy(l->keep, d->values[KEY_LOOP_SETUP].text);
	return loop->title == NULL || loop->worker == NULL ||
		loop->second_worker == NULL || loop->directory == NULL ||
		loop->repository == NULL || loop->integration_branch == NULL ||
		loop->branch == NULL || loop->setup == NULL ||
		fill_prompts(l, d, loop) < 0
	    ? -1
	    : fill_lists(l, d, loop);
}

int
load_loop(struct load *l, const struct draft *d)
{
	struct loop_config *loop = &l->conf->loops[l->conf->nloops];

	if (fill(l, d, loop) < 0)
		return -1;
	for (int id = KEY_FIRST_OF_LOOP; id < KEY_COUNT; id++)
		if (key_is_number(&keys[id]))
			load_store(loop, &keys[id], d->values[id].number);
	check(l, d, loop);
	loop->index = (int)++l->conf->nloops;
	return 0;
}
