/* Starting the component: everything is made ready when the configuration
 * comes, so that a restart is little more than the fork. */
#ifndef LOOPKEEPER_KEEPER_START_H
#define LOOPKEEPER_KEEPER_START_H

#include "keeper/self.h"

/* Composes arguments, environment and limits from k->config. What makes a
 * start impossible is kept in k->unfit, and told when it is tried. */
void start_prepare(struct keeper *k);

/* Forks. Returns 0, or -1 with the reason in *ret. */
int start_now(struct keeper *k, struct component_death *ret);

/* Reads the error pipe, if it is open: whether the exec has succeeded is
 * known now, or can't be. */
void start_look(struct keeper *k);

#endif
