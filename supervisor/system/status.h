/*
 * What a keeper tells the world about its component: one fixed record in
 * run/c/NAME/status, read by anybody without waking anybody. Two slots are
 * written alternately with pwrite, each with a counter and a checksum: a
 * reader takes the valid one with the higher counter.
 *
 * Times are CLOCK_MONOTONIC ms of this boot; the file lies on tmpfs and does
 * not outlive the boot.
 */
#ifndef LOOPKEEPER_SYSTEM_STATUS_H
#define LOOPKEEPER_SYSTEM_STATUS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "base/uuid.h"

#define STATUS_VERSION	 1
#define STATUS_TEXT_SIZE 128
#define STATUS_BLOB_SIZE 1024

enum status_tree { TREE_REAPER, TREE_CGROUP, TREE_BEST_EFFORT };

struct status_record {
	uint32_t version; /* STATUS_VERSION */
	uint32_t size;	  /* of this struct */
	uint64_t config_hash;
	uint64_t start_hash; /* what runs was started with */
	char name[TEXT_NAME_MAX + 1];
	char title[64];
	int32_t keeper_pid;
	uint64_t keeper_start; /* field 22 of /proc/PID/stat */
	/* Of the event that tells the keeper's death, so that whoever tells it,
	 * and however often, it is one event. */
	char death_id[UUID_SIZE];
	int32_t pid; /* main process; 0: none */
	uint64_t pid_start;
	enum status_tree tree;
	int32_t housekeeping;
	int32_t is_loop;
	int32_t heartbeat; /* enum config_heartbeat */
	int64_t heartbeat_timeout_ms;
	int32_t max_restarts;
	int32_t deaths_in_window;
	int64_t window_ms;
	int64_t started_ms; /* of the main process; 0: none */
	int64_t written_ms;
	uint64_t refused;	 /* notify messages refused */
	uint64_t output_dropped; /* bytes, log.when_full = "drop" */
	int32_t unkillable_pid;
	char wait_channel[32];
	char limits[STATUS_TEXT_SIZE]; /* limits not enforced; "" for none */
	char status_text[STATUS_TEXT_SIZE]; /* STATUS=, cleaned */
	/* A struct component of model/, opaque on this floor. */
	uint32_t blob_size;
	unsigned char blob[STATUS_BLOB_SIZE];
};

struct status_writer {
	int fd;		  /* owned */
	uint64_t counter; /* of the last slot written */
};

/* Opens (makes, 0644) dirfd/"status" for the keeper. Returns 0, or -1 with
 * open(2)'s errno. A valid record of an earlier keeper is kept until the
 * first write. */
int status_open(struct status_writer *w, int dirfd);

/* Returns 0, or -1 with pwrite(2)'s errno; readers then see the last one. */
int status_write(struct status_writer *w, const struct status_record *r);

void status_close(struct status_writer *w);

/*
 * Reads dirfd/"status". Returns 0, or -1 with errno: ENOENT no such
 * component, EBADMSG no valid slot, EPROTO another version.
 */
int status_read(int dirfd, struct status_record *ret);

#endif
