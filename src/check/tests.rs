//! Made-up handlers, in memory.
