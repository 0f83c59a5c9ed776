//! Keeps secrets out of core dumps.

/// Asks the system not to write the memory of this process to disk when it crashes. On Linux, other
/// processes of the same user can no longer read it, either.
///
/// Programs that it starts inherit the limit, and may raise it again.
#[cfg(unix)]
pub(super) fn disable() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    // Lowering a limit of one's own is always allowed.
    let _ = setrlimit(Resource::Core, limit);
    // The limit does not apply where a program collects core dumps.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Windows writes no dumps unless the registry names the program (LocalDumps).
#[cfg(not(unix))]
pub(super) fn disable() {}
