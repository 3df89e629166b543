#include <fts.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/common/vitals.h"
#include "base/clock.h"
#include "base/hash.h"
#include "system/process.h"
#include "system/tree.h"

/* A hundredth of the time on the processor is life; an event loop that only
 * ticks uses less. */
#define CPU_SHARE 100
/* Who waits for somebody's answer does nothing at all: less than a thousandth.
 * Measured of node: 0.02 % with a timer of a second, 0.2 % with one of 100 ms,
 * which is taken for work here and is left to the clock for silence. */
#define STIR_SHARE 1000
/* No program takes that long only to begin to wait. */
#define START_CPU_MS 50

static int64_t
output_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_size;
}

struct sum {
	uint64_t cpu_ms;
	size_t n;
};

static void
add_process(void *context, pid_t pid)
{
	struct sum *sum = context;
	struct process p;

	if (process_read(pid, &p) < 0)
		return;
	sum->cpu_ms += p.cpu_ms;
	sum->n += p.state != 'Z' && p.state != 'X';
}

static uint64_t
timeval_ms(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_usec / 1000;
}

/* Of those that live and of those that were reaped by them or by us. */
static uint64_t
tree_cpu(size_t *ret_n)
{
	struct sum sum = { 0 };
	struct rusage usage;

	if (getrusage(RUSAGE_CHILDREN, &usage) == 0)
		sum.cpu_ms =
		    timeval_ms(usage.ru_utime) + timeval_ms(usage.ru_stime);
	(void)tree_walk(getpid(), add_process, &sum);
	*ret_n = sum.n;
	return sum.cpu_ms;
}

static uint64_t
hash_entry(uint64_t hash, const FTSENT *entry)
{
	const struct stat *st = entry->fts_statp;

	hash = hash_bytes(hash, &st->st_ino, sizeof(st->st_ino));
	hash = hash_bytes(hash, &st->st_size, sizeof(st->st_size));
	return hash_bytes(hash, &st->st_mtim, sizeof(st->st_mtim));
}

/* A sum, so that the order in which files are found is of no account. */
static uint64_t
hash_files(const char *repository)
{
	char *copy = strdup(repository);
	char *const paths[] = { copy, NULL };
	uint64_t sum = 0;
	FTSENT *entry;
	FTS *walk;

	if (copy == NULL)
		return 0;
	walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_D &&
		    strcmp(entry->fts_name, ".git") == 0)
			(void)fts_set(walk, entry, FTS_SKIP);
		else if (entry->fts_info != FTS_DP &&
		    entry->fts_info != FTS_NS && entry->fts_info != FTS_ERR)
			sum += hash_entry(HASH_INIT, entry);
	}
	if (walk != NULL)
		(void)fts_close(walk);
	free(copy);
	return sum;
}

static bool
watches_files(const struct vitals *v)
{
	return v->quiet_ms > 0 || v->progress_ms > 0 || v->asks_life;
}

void
vitals_begin(struct vitals *v)
{
	v->has_output = v->has_life = false;
	v->output_size = v->output_begin = output_size(v->output_fd);
	v->cpu_ms = v->cpu_begin_ms = tree_cpu(&v->nprocesses);
	v->files = watches_files(v) ? hash_files(v->repository) : 0;
	/* In a large repository that took a while. */
	v->sign_ms = v->output_ms = v->change_ms = v->looked_ms = clock_ms();
	v->stir_ms = v->sign_ms;
	v->stir_cpu_ms = v->cpu_ms;
}

static void
stir(struct vitals *v, uint64_t cpu_ms, int64_t now_ms)
{
	v->stir_ms = now_ms;
	v->stir_cpu_ms = cpu_ms;
}

static void
sign(struct vitals *v, uint64_t cpu_ms, int64_t now_ms)
{
	v->sign_ms = now_ms;
	v->cpu_ms = cpu_ms;
	stir(v, cpu_ms, now_ms);
}

static bool
is_look_due(const struct vitals *v, int64_t now_ms)
{
	int64_t since_ms = now_ms - v->looked_ms;

	return (v->quiet_ms > 0 && since_ms >= v->quiet_ms &&
		   now_ms - v->sign_ms >= v->quiet_ms) ||
	    (v->progress_ms > 0 && since_ms >= v->progress_ms);
}

static void
look_at_files(struct vitals *v, uint64_t cpu_ms, int64_t now_ms)
{
	uint64_t files = hash_files(v->repository);

	v->looked_ms = now_ms;
	if (files != v->files) {
		v->change_ms = now_ms;
		v->has_life = true;
		sign(v, cpu_ms, now_ms);
	}
	v->files = files;
}

/* Of the time since then at least one part in share was spent on the
 * processor. */
static bool
is_used(uint64_t then_cpu_ms, int64_t then_ms, uint64_t share, uint64_t cpu_ms,
    int64_t now_ms)
{
	return cpu_ms > then_cpu_ms &&
	    (cpu_ms - then_cpu_ms) * share >= (uint64_t)(now_ms - then_ms);
}

void
vitals_look(struct vitals *v, int64_t now_ms)
{
	int64_t size = output_size(v->output_fd);
	uint64_t cpu_ms = tree_cpu(&v->nprocesses);

	if (size != v->output_size) {
		v->output_size = size;
		v->output_ms = now_ms;
		v->has_output = true;
		sign(v, cpu_ms, now_ms);
	}
	if (is_used(v->cpu_ms, v->sign_ms, CPU_SHARE, cpu_ms, now_ms))
		sign(v, cpu_ms, now_ms);
	else if (is_used(
		     v->stir_cpu_ms, v->stir_ms, STIR_SHARE, cpu_ms, now_ms))
		stir(v, cpu_ms, now_ms);
	if (v->has_output || v->nprocesses > 1 ||
	    cpu_ms >= v->cpu_begin_ms + START_CPU_MS)
		v->has_life = true;
	if (is_look_due(v, now_ms))
		look_at_files(v, cpu_ms, now_ms);
}

bool
vitals_has_life(struct vitals *v, int64_t now_ms)
{
	if (!v->has_life)
		look_at_files(v, v->cpu_ms, now_ms);
	return v->has_life;
}
