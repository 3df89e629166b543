#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "preset_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct scratch here;

void
link_to(const char *target, const char *name)
{
	char path[PATH_MAX];

	assert_non_null(realpath(target, path));
	assert_int_equal(symlinkat(path, here.dir, name), 0);
}

int
preset_setup(void **state)
{
	static const char *const programs[] = { "claude", "codex", "gemini",
		"aider", "opencode", "cursor-agent", "loopkeeper-recorder",
		"loopkeeper-logger" };
	char path[3 * PATH_SIZE];

	scratch_make(&here, "/tmp");
	assert_int_equal(mkdirat(here.dir, "bin", 0755), 0);
	link_to("config/workers", "workers");
	link_to("config/prompt.txt", "prompt.txt");
	for (size_t i = 0; i < COUNT(programs); i++) {
		(void)snprintf(path, sizeof(path), "bin/%s", programs[i]);
		link_to("tests/helpers/stand-in", path);
	}
	assert_non_null(getenv("PATH"));
	(void)snprintf(
	    path, sizeof(path), "%s/bin:%s", here.path, getenv("PATH"));
	return setenv("PATH", path, 1);
}

int
preset_teardown(void **state)
{
	scratch_remove(&here);
	return 0;
}

struct conf *
load_worker(const char *worker)
{
	char text[1024], path[PATH_SIZE];
	struct conf *conf;

	(void)snprintf(text, sizeof(text),
	    "components = ( { name = \"l\"; command = [ \"true\" ]; "
	    "loop = { worker = %s; }; } );",
	    worker);
	assert_int_equal(path_format(path, "%s/f.conf", here.path), 0);
	conf = load_text(path, text, strlen(text), stderr);
	assert_non_null(conf);
	return conf;
}

struct conf *
load_preset_named(const char *name)
{
	char worker[64];

	(void)snprintf(worker, sizeof(worker), "\"%s\"", name);
	return load_worker(worker);
}

int
open_transcript(int flags)
{
	int fd =
	    openat(here.dir, "transcript", flags | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}
