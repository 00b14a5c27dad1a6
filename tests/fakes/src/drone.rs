//! Drone, in memory.
