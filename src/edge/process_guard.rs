//! Ends the processes that a command started if this process is killed.
//!
//! A killed process can't clean up. So a small shell waits for the end of a pipe that this process
//! holds open, and then ends the process group of the command. It needs no cooperation of the
//! command, and works on every Unix. Windows is not supported.

#[cfg(unix)]
pub(super) use unix::Guard;
#[cfg(windows)]
pub(super) use windows::Guard;

#[cfg(unix)]
mod unix {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    /// Waits until standard input ends, and ends the process group that is named by `$1`.
    const SCRIPT: &str = "read -r _; kill -TERM \"-$1\" 2>/dev/null && sleep 2 && kill -KILL \"-$1\" 2>/dev/null";

    /// Watches over a process group until it is dropped.
    pub(in crate::edge) struct Guard(Child);

    impl Guard {
        /// Starts to watch. `None`: no shell could be started, so nothing is watched.
        pub fn start(group: u32) -> Option<Self> {
            let mut shell = Command::new("sh");
            shell.args(["-c", SCRIPT, "whtool-guard", &group.to_string()]).env_clear();
            shell.env("PATH", std::env::var_os("PATH").unwrap_or_default());
            // A group of its own: Ctrl+C must not end it first.
            shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
            shell.spawn().ok().map(Self)
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            // Before its pipe is closed: the group has ended, and another may get its number.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

#[cfg(windows)]
mod windows {
    pub(in crate::edge) struct Guard;

    impl Guard {
        pub fn start(_group: u32) -> Option<Self> {
            None
        }
    }
}
