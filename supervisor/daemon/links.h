/*
 * The daemon's hold on its keepers: one link per component, whether a keeper
 * lives for it or not. Keepers are forked here, found again by their lock and
 * adopted, told what is wanted (links_tell.c), heard and, when they die,
 * missed (links_hear.c).
 */
#ifndef LOOPKEEPER_DAEMON_LINKS_H
#define LOOPKEEPER_DAEMON_LINKS_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "control/message.h"
#include "model/component.h"

struct daemon;

struct link {
	TAILQ_ENTRY(link)
	entry; /* in d->leaving, while member is -1; in
		  d->spare_links, while unused */
	char name[TEXT_NAME_MAX + 1];
	int member; /* its index in the fleet; -1: it is to go away */
	pid_t pid;  /* of its keeper; 0: none lives */
	bool ours;  /* we are its parent */
	int pidfd;  /* -1 unless pid */
	int fd;	    /* to the keeper; -1: not connected */
	uint64_t pidfd_key, fd_key;
	/* Read ends of the component's output, entrusted to us by its keeper
	 * for the next one; -1: none. */
	int pipes[MESSAGE_DESCRIPTORS];
	int64_t born_ms; /* forked or adopted */
	int early;	 /* keepers in a row that died young */
	int64_t fork_ms; /* no keeper: one is forked then; 0: none is wanted */
	int64_t connect_ms; /* not connected: tried again then; INT64_MAX: it
			       is being replaced */
	int64_t asked_ms;   /* a question is open since; 0: none */

	enum component_want want; /* what every keeper of it is told */
	bool go;
	bool held;
	bool heard;	/* the keeper has told its state */
	bool behind;	/* a message was lost: all is told again */
	bool dismissed; /* it ends when its tree is empty */
	bool unborn;	/* the last fork failed */
	bool bereaved;	/* what the last keeper left may still live */
};

/* Returns NULL with errno. Its keeper is forked at fork_ms. */
struct link *
link_new(struct daemon *d, const char *name, int member, int64_t fork_ms);

/* Forgets the keeper, which goes on living. */
void link_free(struct daemon *d, struct link *l);

/* Watches what is open of it. Returns 0, or -1 with errno. */
int link_watch(struct daemon *d, struct link *l);

/* Closes the connection; it is made again a moment later. */
void link_disconnect(struct daemon *d, struct link *l);

/* Closes what is open of its keeper. */
void link_forget_keeper(struct daemon *d, struct link *l);

/* The keeper pid holds the lock: makes it ours again. Returns 0, or -1 when
 * it has ended meanwhile. */
int link_adopt(struct daemon *d, struct link *l, pid_t pid);

/* Forks keepers and connects to others, whose moment has come. */
void link_care(struct daemon *d, struct link *l, int64_t now_ms);

/* Its descriptor is readable, or at its end. */
void link_hear(struct daemon *d, struct link *l);

/* Its keeper has ended; status is waitpid(2)'s, -1 where it is unknown. */
void link_ended(struct daemon *d, struct link *l, int status);

/* The keeper's pidfd says that it has ended. */
void link_over(struct daemon *d, struct link *l);

/* One message of that type, without more to say. */
void link_tell(struct daemon *d, struct link *l, enum message_type type);

/* All that a keeper must know which is new, or has missed something. */
void link_tell_all(struct daemon *d, struct link *l);

/* Changes what is wanted, and tells it. */
void link_want(struct daemon *d, struct link *l, enum component_want want,
    bool by_operator);

/* Tells the configuration that its member has now. */
void link_configure(struct daemon *d, struct link *l);

/* Heartbeat unchanged for age_ms. */
void link_seen(struct daemon *d, struct link *l, int64_t age_ms);

/* Stop the component, then end. */
void link_dismiss(struct daemon *d, struct link *l);

/* From now_ms on an answer is waited for. */
void link_expect(struct daemon *d, struct link *l, int64_t now_ms);

/* Asks whether the keeper still answers. */
void link_ask(struct daemon *d, struct link *l, int64_t now_ms);

/* Something is wanted of keepers: all are asked soon, not at their time. */
void links_ask_soon(struct daemon *d);

/* Kills the keeper if a question has been open for too long. Returns when an
 * open one will have been, 0 for none. late_ms: how long we ourselves were
 * away, for which no keeper is to blame. */
int64_t
link_judge(struct daemon *d, struct link *l, int64_t now_ms, int64_t late_ms);

/* No keeper of that name lives: if the last one, whose record lies in dirfd,
 * didn't end as it should, its death is told now. */
void links_tell_missed(struct daemon *d, const char *name, int dirfd);

/* The link whose keeper is pid, or NULL. */
struct link *links_by_pid(struct daemon *d, pid_t pid);

/* Calls each link, those that are leaving too. */
void links_each(struct daemon *d,
    void (*visit)(struct daemon *d, struct link *l, int64_t ms), int64_t ms);

#endif
