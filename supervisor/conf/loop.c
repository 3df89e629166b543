/* The `loop` group of a component: what its agent reads. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "conf/load.h"
#include "conf/resolve.h"

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

/* The worker's argv; an empty one after a fault. */
static char **
copy_worker(struct load *l, const struct draft *d)
{
	const struct value *v = &d->values[KEY_LOOP_WORKER];
	size_t n = draft_count(v);
	char **argv = arena_alloc(l->keep, (n + 1) * sizeof(*argv));
	char program[PATH_SIZE];

	if (argv == NULL)
		return NULL;
	if (n == 0 || load_program(l, d, KEY_LOOP_WORKER, program) < 0)
		return argv;
	for (size_t i = 0; i < n; i++) {
		argv[i] =
		    arena_copy(l->keep, i == 0 ? program : draft_word(v, i));
		if (argv[i] == NULL)
			return NULL;
	}
	return argv;
}

static void
check(struct load *l, const struct draft *d, const struct loop_config *loop)
{
	const struct value *worker = &d->values[KEY_LOOP_WORKER];

	if (worker->at.source == NULL)
		fault_add(&l->faults, d->values[KEY_NAME].at,
		    "%s: loop.worker is missing: a loop needs a command that "
		    "makes a test pass: loop = { worker = [ \"program\", "
		    "\"argument\" ]; }",
		    d->values[KEY_NAME].owner);
	else if (worker->setting != NULL && draft_count(worker) == 0)
		draft_fault(&l->faults, d, KEY_LOOP_WORKER,
		    "is empty: write [ \"program\", \"argument\" ]");
	if (loop->prompt[0] != '\0' && access(loop->prompt, R_OK) < 0)
		draft_fault(&l->faults, d, KEY_LOOP_PROMPT,
		    "can't be read: %s: %s", loop->prompt, strerror(errno));
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

static int
fill(struct load *l, const struct draft *d, struct loop_config *loop)
{
	const struct value *directory = &d->values[KEY_LOOP_DIRECTORY];
	const struct value *repository = &d->values[KEY_LOOP_REPOSITORY];
	const struct value *prompt = &d->values[KEY_LOOP_PROMPT];
	enum key_id at = repository->text[0] != '\0' ? KEY_LOOP_REPOSITORY
						     : KEY_WORKING_DIRECTORY;

	loop->name = arena_copy(l->keep, d->values[KEY_NAME].text);
	if (loop->name == NULL)
		return -1;
	loop->title = arena_copy(l->keep, d->values[KEY_TITLE].text);
	loop->worker = copy_worker(l, d);
	loop->directory = directory->text[0] != '\0'
	    ? copy_path(
		  l, d, KEY_LOOP_DIRECTORY, l->state_directory, directory->text)
	    : copy_path(
		  l, d, KEY_LOOP_DIRECTORY, l->state_directory, loop->name);
	loop->repository = copy_path(
	    l, d, at, load_directory(l, &d->values[at]), d->values[at].text);
	loop->branch = arena_copy(l->keep, d->values[KEY_LOOP_BRANCH].text);
	loop->setup = arena_copy(l->keep, d->values[KEY_LOOP_SETUP].text);
	loop->prompt = prompt->text[0] == '\0'
	    ? ""
	    : copy_path(l, d, KEY_LOOP_PROMPT, load_directory(l, prompt),
		  prompt->text);
	return loop->title == NULL || loop->worker == NULL ||
		loop->directory == NULL || loop->repository == NULL ||
		loop->branch == NULL || loop->setup == NULL ||
		loop->prompt == NULL
	    ? -1
	    : 0;
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
	l->conf->nloops++;
	return 0;
}
