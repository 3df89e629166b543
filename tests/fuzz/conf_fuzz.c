/*
 * What a configuration file may hold: any bytes. Either it is refused with at
 * least one line, or every struct it makes is valid and made alike again. What
 * our own look at the syntax lets pass, libconfig reads.
 */
#include <assert.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where there is nothing to include. */
#define WHERE "/nonexistent/fuzz.conf"

static char directory[] = "/tmp/lk-fuzz-XXXXXX";
static const char *const programs[] = { "loopkeeper-recorder",
	"loopkeeper-logger", "loopkeeper-loop", "prog" };

static void
program_path(char *path, size_t size, size_t i)
{
	(void)snprintf(path, size, "%s/%s", directory, programs[i]);
}

static void
clean_up(void)
{
	char path[64];

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		program_path(path, sizeof(path), i);
		(void)unlink(path);
	}
	(void)rmdir(directory);
}

/* The only programs there are: the rest of the machine is no input. */
static void
make_programs(void)
{
	char path[64];

	if (mkdtemp(directory) == NULL || setenv("PATH", directory, 1) == -1)
		err(1, "%s", directory);
	atexit(clean_up);
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		int fd;

		program_path(path, sizeof(path), i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
		if (fd == -1 || close(fd) == -1)
			err(1, "%s", path);
	}
}

/* Loads; *ret_errors is malloc'ed. */
static struct conf *
load(const uint8_t *data, size_t size, char **ret_errors)
{
	size_t len;
	FILE *out = open_memstream(ret_errors, &len);
	struct conf *conf;

	if (out == NULL)
		err(1, "open_memstream");
	errno = 0;
	conf = load_text(WHERE, (const char *)data, size, out);
	assert(conf != NULL || errno == EINVAL);
	if (fclose(out) == EOF)
		err(1, "fclose");
	assert((conf == NULL) == (len > 0));
	return conf;
}

static void
compare(const struct conf *a, const struct conf *b)
{
	assert(a->fleet.ncomponents == b->fleet.ncomponents);
	assert(a->nloops == b->nloops);
	for (uint32_t i = 0; i < a->fleet.ncomponents; i++) {
		const struct component_config *c = a->components[i];

		assert(config_is_valid(c, c->size));
		assert(c->hash == b->components[i]->hash);
		assert(c->start_hash == b->components[i]->start_hash);
	}
	assert(conf_print_difference(a->components, a->fleet.ncomponents,
		   b->components, b->fleet.ncomponents, stderr) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char include[] = "include";
	static bool ready;
	char *errors = NULL, *again = NULL;
	struct conf *conf;

	if (!ready) {
		make_programs();
		ready = true;
	}
	/* A pattern could name any file of the machine. */
	if (memmem(data, size, include, sizeof(include) - 1) != NULL)
		return 0;
	conf = load(size > 0 ? data : (const uint8_t *)"", size, &errors);
	assert(strstr(errors, "here or on the line above\n") == NULL ||
	    strstr(errors, "duplicate setting name") != NULL);
	if (conf != NULL) {
		struct conf *second = load(data, size, &again);

		assert(second != NULL);
		compare(conf, second);
		conf_free(second);
		free(again);
	}
	conf_free(conf);
	free(errors);
	return 0;
}
