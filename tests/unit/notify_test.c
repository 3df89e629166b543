/* The notify socket: what is understood, what is ignored, what is counted. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "scratch.h"
#include "system/notify.h"
#include "system/notify_send.h"

struct fixture {
	struct scratch at;
	struct notify notify;
	struct notify_space space;
	size_t heard;
	struct notify_message last;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	scratch_make(&f->at, "/tmp");
	f->notify.space = &f->space;
	assert_int_equal(notify_open(&f->notify, f->at.dir, f->at.path), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", f->notify.path, 1), 0);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	notify_close(&f->notify);
	scratch_remove(&f->at);
	free(f);
	return 0;
}

static void
hear(void *context, const struct notify_message *m)
{
	struct fixture *f = context;

	f->heard++;
	f->last = *m;
}

static unsigned
parse(const char *text, struct notify_message *m)
{
	(void)memset(m, 0, sizeof(*m));
	return notify_parse(text, strlen(text), m) ? m->keys : ~0U;
}

static void
test_keys(void **state)
{
	struct notify_message m;

	(void)state;
	assert_int_equal(parse("READY=1", &m), NOTIFY_READY);
	assert_int_equal(parse("READY=0", &m), 0);
	assert_int_equal(
	    parse("READY=1\nSTATUS=up\n", &m), NOTIFY_READY | NOTIFY_STATUS);
	assert_string_equal(m.status, "up");
	assert_int_equal(parse("WATCHDOG=1", &m), NOTIFY_WATCHDOG);
	assert_int_equal(parse("WATCHDOG=trigger", &m), NOTIFY_TRIGGER);
	assert_int_equal(
	    parse("WATCHDOG_USEC=5000000", &m), NOTIFY_WATCHDOG_USEC);
	assert_int_equal(m.watchdog_usec, 5000000);
	assert_int_equal(parse("WATCHDOG_USEC=0", &m), NOTIFY_WATCHDOG_USEC);
	assert_int_equal(m.watchdog_usec, 0);
	assert_int_equal(
	    parse("RELOADING=1\nMONOTONIC_USEC=8", &m), NOTIFY_RELOADING);
	assert_int_equal(parse("MAINPID=4711", &m), NOTIFY_MAINPID);
	assert_int_equal(m.main_pid, 4711);
	assert_int_equal(
	    parse("ERRNO=2\nSTOPPING=1", &m), NOTIFY_ERRNO | NOTIFY_STOPPING);
	assert_int_equal(m.error, 2);
	assert_int_equal(parse("EXTEND_TIMEOUT_USEC=1\nRESTART_RESET=1", &m),
	    NOTIFY_EXTEND | NOTIFY_RESET);
	assert_int_equal(parse("X_OWN=1\nready=1\nREADY=1 \nnothing", &m), 0);
}

static void
test_nonsense_is_ignored(void **state)
{
	struct notify_message m;

	(void)state;
	assert_int_equal(parse("MAINPID=1", &m), 0);
	assert_int_equal(parse("MAINPID=-5", &m), 0);
	assert_int_equal(parse("MAINPID=5x", &m), 0);
	assert_int_equal(parse("MAINPID=", &m), 0);
	assert_int_equal(parse("WATCHDOG_USEC=-1", &m), 0);
	assert_int_equal(parse("WATCHDOG_USEC=99999999999999999999", &m), 0);
	assert_int_equal(parse("\n\n=\n==", &m), 0);
	assert_false(notify_parse("", 0, &m));
	assert_false(notify_parse("READY=1\0", 8, &m));
	assert_int_equal(parse("BARRIER=1", &m), NOTIFY_BARRIER);
	assert_int_equal(parse("BARRIER=1\nREADY=1", &m), ~0U);
}

static void
test_status_is_made_fit_to_show(void **state)
{
	char text[600] = "STATUS=";
	struct notify_message m;

	(void)state;
	assert_int_equal(parse("STATUS=\033[31mred\xff", &m), NOTIFY_STATUS);
	assert_string_equal(m.status, "?[31mred?");
	/* A character of two bytes across the end is left out whole. */
	for (size_t i = 7; i < 500; i += 2)
		(void)memcpy(text + i, "\xc3\xa4", 3);
	assert_int_equal(parse(text, &m), NOTIFY_STATUS);
	assert_int_equal(strlen(m.status), NOTIFY_STATUS_SIZE - 2);
}

static void
test_sender_is_known(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(notify_send("READY=1"), 1);
	assert_int_equal(notify_drain(&f->notify, 100, hear, f), 1);
	assert_int_equal(f->heard, 1);
	assert_int_equal(f->last.pid, getpid());
	assert_int_equal(f->last.uid, getuid());
	assert_int_equal(f->last.keys, NOTIFY_READY);
}

static void
test_every_message_is_counted(void **state)
{
	struct fixture *f = *state;
	size_t sent = 0;

	for (int i = 0; i < 2000; i++) {
		while (notify_send("WATCHDOG=1") == 1)
			sent++;
		assert_int_equal(errno, EAGAIN);
		(void)notify_drain(&f->notify, 1000, hear, f);
	}
	assert_true(sent >= 2000);
	assert_int_equal(f->heard, sent);
	assert_int_equal(f->notify.bad, 0);
}

/* Sends text with fds to the socket, as a client with descriptors does. */
static void
send_with(struct fixture *f, const char *text, int *fds, size_t nfds)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_Alignas(16) char space[CMSG_SPACE(sizeof(int) * 4)] = { 0 };
	char copy[64];
	struct iovec part = { .iov_base = copy, .iov_len = strlen(text) };
	struct msghdr m = { .msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = CMSG_SPACE(sizeof(int) * nfds) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(copy, sizeof(copy), "%s", text);
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", f->notify.path);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
	(void)memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	assert_true(sendmsg(fd, &m, 0) > 0);
	(void)close(fd);
}

/* Whether the other end of a pipe has been closed everywhere. */
static int
is_hung_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0;
}

static void
test_barrier_is_answered_in_order(void **state)
{
	struct fixture *f = *state;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(notify_send("STATUS=before"), 1);
	send_with(f, "BARRIER=1", &fds[1], 1);
	(void)close(fds[1]);
	assert_false(is_hung_up(fds[0]));
	(void)notify_drain(&f->notify, 100, hear, f);
	assert_int_equal(f->heard, 1);
	assert_true(is_hung_up(fds[0]));
	(void)close(fds[0]);
}

static void
test_unasked_descriptors_are_closed(void **state)
{
	struct fixture *f = *state;
	int fds[2], three[3];

	assert_int_equal(pipe(fds), 0);
	three[0] = three[1] = three[2] = fds[1];
	send_with(f, "READY=1", three, 3);
	send_with(f, "BARRIER=1", three, 3); /* exactly one belongs to it */
	(void)close(fds[1]);
	(void)notify_drain(&f->notify, 100, hear, f);
	assert_true(is_hung_up(fds[0]));
	assert_int_equal(f->heard, 1);
	assert_int_equal(f->notify.bad, 1);
	(void)close(fds[0]);
}

static void
test_too_long_a_message_is_ignored(void **state)
{
	struct fixture *f = *state;
	char text[NOTIFY_TEXT_SIZE + 2];

	(void)memset(text, 'x', sizeof(text) - 1);
	(void)memcpy(text, "READY=1\n", 8);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(notify_send(text), 1);
	(void)notify_drain(&f->notify, 100, hear, f);
	assert_int_equal(f->heard, 0);
	assert_int_equal(f->notify.bad, 1);
}

static void
test_long_path_becomes_abstract(void **state)
{
	struct fixture *f = *state;
	struct notify n = { .space = &f->space };
	char directory[300];

	(void)memset(directory, 'd', sizeof(directory) - 1);
	directory[sizeof(directory) - 1] = '\0';
	assert_int_equal(notify_open(&n, f->at.dir, directory), 0);
	assert_int_equal(n.path[0], '@');
	assert_int_equal(setenv("NOTIFY_SOCKET", n.path, 1), 0);
	assert_int_equal(notify_send("READY=1"), 1);
	assert_int_equal(notify_drain(&n, 100, hear, f), 1);
	assert_int_equal(f->heard, 1);
	notify_close(&n);
}

static void
test_client_without_socket_is_silent(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(notify_send("READY=1"), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "3000000", 1), 0);
	assert_int_equal(notify_watchdog_ms(), 1500);
	assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
	assert_int_equal(notify_watchdog_ms(), 0);
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_keys),
		TEST(test_nonsense_is_ignored),
		TEST(test_status_is_made_fit_to_show),
		TEST(test_sender_is_known),
		TEST(test_every_message_is_counted),
		TEST(test_barrier_is_answered_in_order),
		TEST(test_unasked_descriptors_are_closed),
		TEST(test_too_long_a_message_is_ignored),
		TEST(test_long_path_becomes_abstract),
		TEST(test_client_without_socket_is_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
