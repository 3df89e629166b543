#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agents/loop/room.h"
#include "agents/loop/trouble.h"
#include "base/io.h"

#define MIB (1024 * 1024)

/* Whether less than wanted is there; below 0 nobody knows. */
static bool
is_short(int64_t room, int64_t wanted)
{
	return room >= 0 && room < wanted;
}

/* Bytes that anybody may have of the disk. */
static int64_t
disk_room(const char *path)
{
	struct statvfs st;

	if (statvfs(path, &st) < 0)
		return -1;
	return (int64_t)(st.f_bavail * st.f_frsize);
}

static int64_t
memory_room(void)
{
	char text[4096];
	const char *line;

	if (io_read_file(AT_FDCWD, "/proc/meminfo", text, sizeof(text)) < 0 &&
	    errno != EFBIG)
		return -1;
	line = strstr(text, "MemAvailable:");
	return line != NULL
	    ? strtoll(line + strlen("MemAvailable:"), NULL, 10) * 1024
	    : -1;
}

/* Files that can still be opened, by all processes together. */
static int64_t
file_room(void)
{
	char text[128];
	long long open, max;

	if (io_read_file(AT_FDCWD, "/proc/sys/fs/file-nr", text, sizeof(text)) <
		0 ||
	    sscanf(text, "%lld %*d %lld", &open, &max) != 2)
		return -1;
	return open < max ? max - open : 0;
}

static bool
is_overloaded(int max)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	char text[128];

	/* Not by getloadavg(): a container may have a file of its own. */
	return max > 0 && processors > 0 &&
	    io_read_file(AT_FDCWD, "/proc/loadavg", text, sizeof(text)) > 0 &&
	    strtod(text, NULL) > (double)max * (double)processors;
}

/* The texts name no present value: with each they would be told anew. */
bool
room_ask(struct runner *r, int64_t now_ms)
{
	const struct loop_config *c = r->config;
	const char *const places[] = { c->directory, c->repository };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!is_short(disk_room(places[i]), c->min_disk))
			continue;
		trouble_note(r, now_ms, "disk",
		    "less than %lld MiB are free on the disk of %s "
		    "(min_disk): make room",
		    (long long)(c->min_disk / MIB), places[i]);
		return false;
	}
	if (is_short(memory_room(), c->min_memory))
		trouble_note(r, now_ms, "memory",
		    "less than %lld MiB of memory are available (min_memory)",
		    (long long)(c->min_memory / MIB));
	else if (is_short(file_room(), c->min_files))
		trouble_note(r, now_ms, "files",
		    "fewer than %d more files can be opened on this machine "
		    "(min_files)",
		    c->min_files);
	else if (is_overloaded(c->max_load))
		trouble_note(r, now_ms, "load",
		    "the load of this machine is above %d per processor "
		    "(max_load)",
		    c->max_load);
	else
		return true;
	return false;
}
