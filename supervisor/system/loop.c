#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "system/loop.h"

/* The loop's own two descriptors; no source has such an index. */
#define KEY_TIMER  UINT64_C(0xffffffff)
#define KEY_SIGNAL UINT64_C(0xfffffffe)

static int
watch(struct loop *l, int fd, uint32_t events, uint64_t key)
{
	struct epoll_event e = { .events = events, .data = { .u64 = key } };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

int
loop_open(struct loop *l, struct loop_source *sources, uint32_t nsources,
    const sigset_t *signals)
{
	*l = (struct loop){ .timer_fd = -1,
		.signal_fd = -1,
		.sources = sources,
		.nsources = nsources };
	for (uint32_t i = 0; i < nsources; i++)
		sources[i] = (struct loop_source){ .fd = -1 };
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0)
		return -1;
	l->timer_fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->timer_fd < 0)
		goto fail;
	l->signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signal_fd < 0)
		goto fail;
	if (watch(l, l->timer_fd, EPOLLIN, KEY_TIMER) < 0 ||
	    watch(l, l->signal_fd, EPOLLIN, KEY_SIGNAL) < 0)
		goto fail;
	return 0;
fail:
	loop_close(l);
	return -1;
}

void
loop_close(struct loop *l)
{
	io_close(&l->signal_fd);
	io_close(&l->timer_fd);
	io_close(&l->epoll_fd);
}

static struct loop_source *
find(struct loop *l, uint64_t key)
{
	uint32_t index = (uint32_t)key;

	if (index >= l->nsources || l->sources[index].fd < 0 ||
	    l->sources[index].generation != key >> 32)
		return NULL;
	return &l->sources[index];
}

uint64_t
loop_add(struct loop *l, int fd, uint32_t events, int kind, void *owner)
{
	for (uint32_t i = 0; i < l->nsources; i++) {
		uint32_t index = (l->hint + i) % l->nsources;
		struct loop_source *s = &l->sources[index];
		uint64_t key;

		if (s->fd >= 0)
			continue;
		/* Never 0, which would make the key of source 0 no key. */
		s->generation =
		    s->generation == UINT32_MAX ? 1 : s->generation + 1;
		key = (uint64_t)s->generation << 32 | index;
		if (watch(l, fd, events, key) < 0)
			return 0;
		s->owner = owner;
		s->fd = fd;
		s->kind = kind;
		l->hint = index + 1;
		return key;
	}
	errno = ENOSPC;
	return 0;
}

int
loop_change(struct loop *l, uint64_t key, uint32_t events)
{
	struct epoll_event e = { .events = events, .data = { .u64 = key } };
	const struct loop_source *s = find(l, key);

	if (s == NULL) {
		errno = ENOENT;
		return -1;
	}
	return epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, s->fd, &e);
}

void
loop_remove(struct loop *l, uint64_t *key)
{
	struct loop_source *s = find(l, *key);

	if (s != NULL) {
		/* Fails only for a descriptor that is closed already, and
		 * then the kernel has forgotten it too. */
		(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
		s->fd = -1;
		l->hint = (uint32_t)*key;
	}
	*key = 0;
}

/* The time is given relative: libfaketime moves absolute ones, whatever clock
 * they are on. Zero disarms. */
static int
arm(struct loop *l, int64_t deadline_ms)
{
	struct itimerspec when = { 0 };

	if (deadline_ms == l->armed_ms)
		return 0;
	if (deadline_ms != 0) {
		int64_t wait_ms = deadline_ms - clock_ms();

		if (wait_ms > 0) {
			when.it_value.tv_sec = wait_ms / 1000;
			when.it_value.tv_nsec = wait_ms % 1000 * 1000000;
		} else {
			when.it_value.tv_nsec = 1;
		}
	}
	if (timerfd_settime(l->timer_fd, 0, &when, NULL) < 0)
		return -1;
	l->armed_ms = deadline_ms;
	return 0;
}

int
loop_wait(struct loop *l, int64_t deadline_ms)
{
	bool over = deadline_ms != 0 && deadline_ms <= clock_ms();
	int64_t now_ms;

	l->next = l->nbatch = 0;
	if (!over && arm(l, deadline_ms) < 0)
		return -1;
	do
		l->nbatch = epoll_wait(
		    l->epoll_fd, l->batch, LOOP_BATCH, over ? 0 : -1);
	while (l->nbatch < 0 && errno == EINTR);
	if (l->nbatch < 0) {
		l->nbatch = 0;
		return -1;
	}
	now_ms = clock_ms();
	l->late_ms =
	    deadline_ms != 0 && now_ms > deadline_ms ? now_ms - deadline_ms : 0;
	return 0;
}

/* Takes the timer's count, so that it isn't reported again. */
static void
take_timer(struct loop *l)
{
	uint64_t count;

	if (read(l->timer_fd, &count, sizeof(count)) == sizeof(count))
		l->armed_ms = 0;
}

bool
loop_next(struct loop *l, struct loop_event *ret)
{
	while (l->next < l->nbatch) {
		const struct epoll_event *e = &l->batch[l->next++];
		uint64_t key = e->data.u64;
		const struct loop_source *s;

		if (key == KEY_TIMER) {
			take_timer(l);
			continue;
		}
		if (key == KEY_SIGNAL) {
			l->signal_due = true;
			continue;
		}
		s = find(l, key);
		if (s == NULL)
			continue;
		*ret = (struct loop_event){ .kind = s->kind,
			.events = e->events,
			.owner = s->owner,
			.fd = s->fd };
		return true;
	}
	return false;
}

int
loop_hear_signals(struct loop *l, bool hear)
{
	struct epoll_event e = { .events = hear ? EPOLLIN : 0,
		.data = { .u64 = KEY_SIGNAL } };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, l->signal_fd, &e);
}

uint64_t
loop_signals(struct loop *l)
{
	struct signalfd_siginfo infos[4];
	uint64_t taken = 0;
	ssize_t n;

	if (!l->signal_due)
		return 0;
	do {
		n = read(l->signal_fd, infos, sizeof(infos));
		for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(infos[0]);
		     i++)
			taken |= loop_signal_bit((int)infos[i].ssi_signo);
	} while (n == sizeof(infos) || (n < 0 && errno == EINTR));
	l->signal_due = false;
	return taken;
}
