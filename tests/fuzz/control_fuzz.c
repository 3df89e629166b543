/*
 * What a client may write to the control socket: any bytes, in two pieces.
 * The server either has a whole request, whose words it gives out, or drops
 * or refuses the client; it never keeps one that has gone.
 */
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/server.h"
#include "system/rundir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NSOURCES 8

static char directory[] = "/tmp/lk-fuzz-XXXXXX";

static void
clean_up(void)
{
	char path[sizeof(directory) + 16];

	(void)snprintf(path, sizeof(path), "%s/control", directory);
	(void)unlink(path);
	(void)rmdir(directory);
}

static int
open_directory(void)
{
	int fd;

	if (mkdtemp(directory) == NULL)
		err(1, "%s", directory);
	atexit(clean_up);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		err(1, "%s", directory);
	return fd;
}

/* Reads and answers the request, if it is one. */
static void
serve(struct server *s, struct server_client *c, uint32_t events)
{
	const char *word;
	size_t total = 0;

	if (c->fd == -1 || !server_event(s, c, events))
		return;
	while ((word = server_word(c)) != NULL)
		total += strlen(word) + 1;
	assert(total == c->len + 1);
	server_rewind(c);
	word = server_word(c);
	assert(word != NULL);
	server_refuse(s, c, "no such request: %s", word);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct server server;
	static struct loop loop;
	static struct loop_source sources[NSOURCES];
	static int rundir = -1;
	struct server_client *c = &server.clients[0];
	sigset_t none;
	int fd;

	if (rundir == -1) {
		sigemptyset(&none);
		rundir = open_directory();
		if (loop_open(&loop, sources, NSOURCES, &none) == -1 ||
		    server_open(&server, &loop, rundir, 1) == -1)
			err(1, "server");
	}
	if ((fd = rundir_connect(rundir, "control", SOCK_STREAM)) == -1)
		err(1, "connect");
	server_accept(&server);
	assert(c->fd != -1);
	if (send(fd, data, size / 2, MSG_NOSIGNAL) == -1)
		err(1, "send");
	serve(&server, c, EPOLLIN);
	(void)send(fd, data + size / 2, size - size / 2, MSG_NOSIGNAL);
	serve(&server, c, EPOLLIN);
	(void)close(fd);
	/* Gone: it is answered in vain, or dropped now. */
	serve(&server, c, EPOLLIN | EPOLLHUP);
	if (c->fd != -1)
		server_expire(&server, INT64_MAX);
	assert(c->fd == -1);
	return 0;
}
