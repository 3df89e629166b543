/* The control protocol from both ends, the packets of keepers, and the flat
 * configuration: what is whole is understood, what isn't is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "control/control.h"
#include "control/message.h"
#include "control/roster.h"
#include "control/server.h"

#define SOURCES (CONTROL_CLIENTS + 8)
#define LISTEN	1
#define CLIENT	2

static char state_directory[] = "/tmp/lk-control.XXXXXX";

/* A server that says back the words it hears, and refuses "no". */
struct echo {
	struct loop loop;
	struct loop_source sources[SOURCES];
	struct server server;
};

static int
setup(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	if (mkdtemp(state_directory) == NULL ||
	    path_format(path, "%s/run", state_directory) < 0)
		return -1;
	return mkdir(path, 0700);
}

static int
teardown(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	if (path_format(path, "%s/run/control", state_directory) < 0)
		return -1;
	(void)unlink(path);
	if (path_format(path, "%s/run", state_directory) < 0)
		return -1;
	(void)rmdir(path);
	return rmdir(state_directory);
}

static void
answer(struct echo *e, struct server_client *c)
{
	const char *word = server_word(c);

	if (strcmp(word, "no") == 0) {
		server_refuse(&e->server, c, "not this:\n%s", "never");
		return;
	}
	server_rewind(c);
	buf_add(&c->reply, "ok\n");
	while ((word = server_word(c)) != NULL)
		buf_addf(&c->reply, "%s\n", word);
	server_answer(&e->server, c);
}

static void
serve(struct echo *e, int64_t until_ms)
{
	struct loop_event event;

	while (clock_ms() < until_ms) {
		assert_int_equal(loop_wait(&e->loop, until_ms), 0);
		while (loop_next(&e->loop, &event)) {
			if (event.kind == LISTEN)
				server_accept(&e->server);
			else if (server_event(
				     &e->server, event.owner, event.events))
				answer(e, event.owner);
		}
		server_expire(&e->server, clock_ms());
	}
}

static struct echo *
open_echo(void)
{
	struct echo *e = calloc(1, sizeof(*e));
	char path[PATH_SIZE];
	sigset_t none;
	int rundir;

	assert_non_null(e);
	(void)sigemptyset(&none);
	assert_int_equal(loop_open(&e->loop, e->sources, SOURCES, &none), 0);
	assert_int_equal(path_format(path, "%s/run", state_directory), 0);
	rundir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(rundir >= 0);
	assert_int_equal(server_open(&e->server, &e->loop, rundir, CLIENT), 0);
	io_close(&rundir);
	assert_true(
	    loop_add(&e->loop, e->server.listen_fd, EPOLLIN, LISTEN, e) != 0);
	return e;
}

static void
close_echo(struct echo *e)
{
	server_close(&e->server);
	loop_close(&e->loop);
	free(e);
}

/* Runs client() in a child against a server in this process. */
static void
with_server(int (*client)(void))
{
	struct echo *e = open_echo();
	int64_t give_up_ms = clock_ms() + 20000;
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(client());
	while (waitpid(pid, &status, WNOHANG) == 0 && clock_ms() < give_up_ms)
		serve(e, clock_ms() + 20);
	close_echo(e);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
ask_and_compare(void)
{
	const char *const words[] = { "start", "loop-1", "a b" };
	char reply[CONTROL_REPLY_MAX];

	return control_request(
		   state_directory, words, 3, reply, sizeof(reply)) != 0 ||
	    strcmp(reply, "start\nloop-1\na b\n") != 0;
}

static void
test_a_request_is_answered(void **state)
{
	(void)state;
	with_server(ask_and_compare);
}

static int
be_refused(void)
{
	const char *const words[] = { "no" };
	char reply[CONTROL_REPLY_MAX];

	return control_request(
		   state_directory, words, 1, reply, sizeof(reply)) != -1 ||
	    errno != EPROTO || strcmp(reply, "not this:") != 0;
}

static void
test_a_refusal_is_one_line(void **state)
{
	(void)state;
	with_server(be_refused);
}

static int
send_many_words(void)
{
	static char names[3000][8];
	const char *words[3000];
	char reply[CONTROL_REPLY_MAX];

	for (int i = 0; i < 3000; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "n%d", i);
		words[i] = names[i];
	}
	if (control_request(
		state_directory, words, 3000, reply, sizeof(reply)) != 0)
		return 1;
	/* The reply is cut at its limit, the request was not. */
	return strncmp(reply, "n0\nn1\n", 6) != 0;
}

static void
test_a_request_may_be_long(void **state)
{
	(void)state;
	with_server(send_many_words);
}

static int
connect_server(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path),
	    "%s/run/control", state_directory);
	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return fd;
}

static int
send_too_much(void)
{
	static char line[CONTROL_LINE_MAX];
	char reply[128] = "";
	int fd = connect_server();

	(void)memset(line, 'x', sizeof(line));
	if (fd < 0 || io_write_all(fd, line, sizeof(line)) < 0)
		return 1;
	(void)recv(fd, reply, sizeof(reply) - 1, 0);
	return strncmp(reply, "error the request is longer", 27) != 0;
}

static void
test_one_that_is_too_long_is_refused(void **state)
{
	(void)state;
	with_server(send_too_much);
}

/* 64 that say nothing, then one that does: told that there are too many, until
 * the silent ones are let go. */
static int
crowd_in(void)
{
	const char *const words[] = { "hello" };
	char reply[CONTROL_REPLY_MAX];
	int fds[CONTROL_CLIENTS];

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if ((fds[i] = connect_server()) < 0)
			return 1;
	if (control_request(state_directory, words, 1, reply, sizeof(reply)) ==
		0 ||
	    errno != EPROTO || strstr(reply, "too many") == NULL)
		return 2;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (recv(fds[i], reply, 1, 0) != 0)
			return 3;
	return control_request(state_directory, words, 1, reply, sizeof(reply));
}

static void
test_silent_clients_are_let_go(void **state)
{
	(void)state;
	with_server(crowd_in);
}

static void
test_words_that_would_break_the_line_are_refused(void **state)
{
	const char *const tab[] = { "start", "a\tb" }, *const none[] = { "" };
	char reply[64];

	(void)state;
	assert_int_equal(
	    control_request(state_directory, tab, 2, reply, sizeof(reply)), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(
	    control_request(state_directory, none, 1, reply, sizeof(reply)),
	    -1);
	assert_int_equal(errno, EINVAL);
}

static void
test_nobody_listens(void **state)
{
	const char *const words[] = { "ping" };
	char reply[64];

	(void)state;
	assert_int_equal(
	    control_request("/nonexistent", words, 1, reply, sizeof(reply)),
	    -1);
	assert_int_equal(errno, ENOENT);
}

static void
make_pair(int ret[static 2])
{
	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret),
	    0);
}

/* Where no descriptors are expected. */
static ssize_t
take(int fd, struct message *ret, void *tail, size_t size)
{
	int fds[MESSAGE_DESCRIPTORS];
	size_t nfds;
	ssize_t n = message_receive(fd, ret, tail, size, fds, &nfds);

	assert_int_equal(nfds, 0);
	return n;
}

static void
test_packets_arrive_whole(void **state)
{
	struct message m = message_new(MESSAGE_SEEN), got;
	char tail[16] = "configuration", back[16];
	int pair[2];

	(void)state;
	make_pair(pair);
	m.age_ms = 1234;
	assert_int_equal(message_send(pair[0], &m, tail, sizeof(tail)), 0);
	assert_int_equal(message_send(pair[0], &m, NULL, 0), 0);
	assert_int_equal(take(pair[1], &got, back, sizeof(back)), sizeof(tail));
	assert_int_equal(got.type, MESSAGE_SEEN);
	assert_int_equal(got.age_ms, 1234);
	assert_memory_equal(tail, back, sizeof(tail));
	assert_int_equal(take(pair[1], &got, back, sizeof(back)), 0);
	assert_int_equal(take(pair[1], &got, back, sizeof(back)), -1);
	assert_int_equal(errno, EAGAIN);
	io_close(&pair[0]);
	assert_int_equal(take(pair[1], &got, back, sizeof(back)), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(message_send(pair[1], &m, NULL, 0), -1);
	io_close(&pair[1]);
}

static void
test_packets_that_are_none_are_refused(void **state)
{
	struct message m = message_new(MESSAGE_PING), got;
	char tail[64] = "too long for the receiver", back[8];
	int pair[2];

	(void)state;
	make_pair(pair);
	assert_int_equal(message_send(pair[0], &m, tail, sizeof(tail)), 0);
	assert_int_equal(take(pair[1], &got, back, sizeof(back)), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(take(pair[1], &got, back, sizeof(back)), -1);
	assert_int_equal(errno, EPROTO);
	m.version++;
	assert_int_equal(message_send(pair[0], &m, NULL, 0), 0);
	assert_int_equal(take(pair[1], &got, back, sizeof(back)), -1);
	assert_int_equal(errno, EPROTO);
	io_close(&pair[0]);
	io_close(&pair[1]);
}

static size_t
count_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
test_descriptors_are_passed_or_closed(void **state)
{
	struct message m = message_new(MESSAGE_PIPES);
	int pair[2], fds[2], got_fds[MESSAGE_DESCRIPTORS];
	size_t before, n;
	struct message got;

	(void)state;
	make_pair(pair);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	before = count_descriptors();
	assert_int_equal(message_send_descriptors(pair[0], &m, fds, 2), 0);
	assert_int_equal(
	    message_receive_descriptors(pair[1], &got, got_fds, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(write(got_fds[1], "x", 1), 1);
	assert_int_equal(read(fds[0], &(char){ 0 }, 1), 1);
	io_close(&got_fds[0]);
	io_close(&got_fds[1]);
	/* With what is no message of ours none stay open. */
	m.version++;
	assert_int_equal(message_send_descriptors(pair[0], &m, fds, 2), 0);
	assert_int_equal(
	    message_receive_descriptors(pair[1], &got, got_fds, &n), -1);
	assert_int_equal(errno, EPROTO);
	assert_int_equal(n, 0);
	assert_int_equal(count_descriptors(), before);
	for (size_t i = 0; i < 2; i++) {
		io_close(&pair[i]);
		io_close(&fds[i]);
	}
}

/* A component of this name, as it stands in the flat form. */
static size_t
put_component(char *at, const char *name, bool enabled)
{
	static const char text[] = "\0/bin/true";
	struct component_config *c = calloc(1, sizeof(*c) + sizeof(text));
	size_t size = sizeof(*c) + sizeof(text);

	assert_non_null(c);
	c->size = (uint32_t)size;
	c->version = CONFIG_VERSION;
	c->enabled = enabled;
	c->command = (struct config_list){ .offset = 1, .count = 1 };
	c->text_size = sizeof(text);
	(void)memcpy(c->text, text, sizeof(text));
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	config_seal(c);
	(void)memcpy(at, c, size);
	free(c);
	return size;
}

static size_t
make_flat(char *flat)
{
	struct fleet_config *fleet = calloc(1, sizeof(*fleet));
	size_t size = sizeof(*fleet);

	assert_non_null(fleet);
	fleet->magic = FLEET_MAGIC;
	fleet->version = CONFIG_VERSION;
	fleet->ncomponents = 3;
	(void)memcpy(flat, fleet, sizeof(*fleet));
	free(fleet);
	size += put_component(flat + size, "one", true);
	size += put_component(flat + size, "off", false);
	return size + put_component(flat + size, "two", true);
}

static void
test_a_roster_is_whole_or_refused(void **state)
{
	static char flat[65536];
	size_t size = make_flat(flat);
	struct roster r;

	(void)state;
	assert_int_equal(roster_read(&r, flat, size), 0);
	assert_int_equal(r.n, 2);
	assert_string_equal(r.components[1]->name, "two");
	assert_int_equal(roster_find(&r, "two"), 1);
	assert_int_equal(roster_find(&r, "off"), 2);
	roster_free(&r);
	/* Cut anywhere, or with something behind it. */
	for (size_t n = 0; n < size; n += 7) {
		assert_int_equal(roster_read(&r, flat, n), -1);
		assert_int_equal(errno, EPROTO);
	}
	assert_int_equal(roster_read(&r, flat, size + 1), -1);
	flat[0] ^= 1;
	assert_int_equal(roster_read(&r, flat, size), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_is_answered),
		cmocka_unit_test(test_a_refusal_is_one_line),
		cmocka_unit_test(test_a_request_may_be_long),
		cmocka_unit_test(test_one_that_is_too_long_is_refused),
		cmocka_unit_test(test_silent_clients_are_let_go),
		cmocka_unit_test(
		    test_words_that_would_break_the_line_are_refused),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_packets_arrive_whole),
		cmocka_unit_test(test_packets_that_are_none_are_refused),
		cmocka_unit_test(test_descriptors_are_passed_or_closed),
		cmocka_unit_test(test_a_roster_is_whole_or_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
