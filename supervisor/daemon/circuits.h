/*
 * The fleet's circuits, one per kind of component: when most of a kind die of
 * one cause, all but one canary are held back until it holds. The judgement is
 * in model/fleet.h.
 */
#ifndef LOOPKEEPER_DAEMON_CIRCUITS_H
#define LOOPKEEPER_DAEMON_CIRCUITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;

/* One circuit for each kind of the roster; open ones of the same kind stay
 * open. Returns 0, or -1 with malloc(3)'s errno. */
int circuits_build(struct daemon *d);

/* A keeper told how member i is: its circuit is to be judged, soon after a
 * death, and while it is open after every change. */
void circuits_heed(struct daemon *d, size_t i, bool died);

/* The keeper of member i was told by an earlier daemon to hold it: its circuit
 * is open still. */
void circuits_inherit(struct daemon *d, size_t i);

/* An operator wants member i to run: it is tried, held or not. */
void circuits_let_try(struct daemon *d, size_t i);

/* Judges all, and holds or releases members as it comes out. */
void circuits_judge(struct daemon *d, int64_t now_ms);

#endif
