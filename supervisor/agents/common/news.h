/*
 * What may be news to an agent that has nothing to do: the coordination
 * database, `wanted`, the fleet's mode. It sleeps until the kernel tells of a
 * change in one of these files; what the kernel doesn't tell (no inotify to be
 * had, a file system that others write) is looked for now and then.
 */
#ifndef LOOPKEEPER_AGENTS_COMMON_NEWS_H
#define LOOPKEEPER_AGENTS_COMMON_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "system/loop.h"

struct news {
	int fd;		   /* inotify; -1: none to be had */
	uint64_t key;	   /* of fd in the loop */
	int64_t look_ms;   /* there may be news: look then; 0: no */
	int64_t again_ms;  /* and again so much later; 0: not again */
	int64_t looked_ms; /* the last look */
};

/* Watches the folders state_directory and run_directory (NULL or not there:
 * not watched). Nothing can fail: without inotify looks are by time. */
void news_open(struct news *n, struct loop *loop, const char *state_directory,
    const char *run_directory);
void news_close(struct news *n);

/* Takes what the kernel has told; more of it is noted silently until
 * news_due(). */
void news_hear(struct news *n, struct loop *loop);

/* Whether it is time to look; if so, the caller does. */
bool news_due(struct news *n, struct loop *loop, int64_t now_ms);

/* The next look where there is no sign of news. */
int64_t news_rarely_ms(const struct news *n, int64_t now_ms);

#endif
