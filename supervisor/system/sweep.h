/*
 * Taking away what a fleet that has ended leaves in its run directory. What is
 * in the spool stays: those are events that nobody has stored yet.
 */
#ifndef LOOPKEEPER_SYSTEM_SWEEP_H
#define LOOPKEEPER_SYSTEM_SWEEP_H

/* Removes run/c/NAME with its files. Returns 0, or -1 with errno; ENOENT there
 * is none. */
int sweep_component(int rundir, const char *name);

/*
 * Removes the run directory of state_directory, what is left of the fleet's
 * cgroups in that of its keepers (cgroup_open_of(); -1: there is none), and
 * the link to the directory, whose absence means that the fleet has ended on
 * purpose. Caller has proved that
 * nothing of the fleet lives, or is the last of it. Returns 0, or -1 with the
 * errno of unlink(2) for the link.
 */
int sweep_rundir(const char *state_directory, int cgroup);

#endif
