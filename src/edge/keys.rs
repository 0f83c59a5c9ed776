//! Single keys of the terminal: they are read without Enter, and not echoed. Ctrl+C and Ctrl+Z work
//! as usual.
//!
//! The terminal is shared with the shell, so the mode is set only in the foreground, set again when
//! the process returns there, and restored before it stops or ends. A job in the background neither
//! reads nor changes the terminal, since the system would stop it.
//!
//! Windows has no jobs, and its console can be read without a mode of its own.

#[cfg(unix)]
pub(super) use unix::{restore_mode, start};
#[cfg(windows)]
pub(super) use windows::{restore_mode, start};

/// Most characters that a hand types between two reads. More were pasted, perhaps into the wrong
/// window, and are no commands.
const MOST_TYPED: usize = 8;

#[cfg(unix)]
mod unix {
    use super::MOST_TYPED;
    use crate::edge::runtime::block_on;
    use crate::world::Keys;
    use rustix::process::{Signal, getpgrp, getpid, getsid, kill_process};
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
    use rustix::termios::{tcgetattr, tcgetpgrp, tcsetattr};
    use std::collections::VecDeque;
    use std::io;
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::Duration;
    use tokio::signal::unix::{SignalKind, signal};

    /// Exit status after Ctrl+\.
    const EXIT_QUIT: i32 = 131;
    const ESCAPE: u8 = 0x1b;

    /// The mode before keys were read. `None`: they are not.
    static ORIGINAL: Mutex<Option<Termios>> = Mutex::new(None);

    fn original() -> MutexGuard<'static, Option<Termios>> {
        ORIGINAL.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_in_foreground() -> bool {
        tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
    }

    /// Restores the mode that the terminal had. A shell that has the foreground has set its own.
    pub(in crate::edge) fn restore_mode() {
        if let Some(mode) = &*original() {
            restore(mode);
        }
    }

    fn restore(mode: &Termios) {
        if is_in_foreground() {
            // Fails if the terminal is gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, mode);
        }
    }

    /// Starts to read keys. `None`: this process runs in the background.
    pub(in crate::edge) fn start() -> Option<TerminalKeys> {
        if !is_in_foreground() {
            return None;
        }
        let mode = tcgetattr(io::stdin()).ok()?;
        start_thread().ok()?;
        *original() = Some(mode);
        let keys = TerminalKeys { typed: VecDeque::new() };
        keys.set_mode().then_some(keys)
    }

    pub(in crate::edge) struct TerminalKeys {
        typed: VecDeque<char>,
    }

    impl TerminalKeys {
        /// Sets the mode, unless it is set. Returns false in the background. The shell may have
        /// changed the mode while the process was stopped.
        fn set_mode(&self) -> bool {
            let mut original = original();
            if original.is_none() || !is_in_foreground() {
                return false;
            }
            let Ok(mut mode) = tcgetattr(io::stdin()) else { return false };
            let line_modes = LocalModes::ICANON | LocalModes::ECHO;
            if !mode.local_modes.intersects(line_modes) {
                return true;
            }
            *original = Some(mode.clone());
            mode.local_modes.remove(line_modes);
            // A read returns at once, with what there is.
            mode.special_codes[SpecialCodeIndex::VMIN] = 0;
            mode.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(io::stdin(), OptionalActions::Now, &mode).is_ok()
        }
    }

    impl Keys for TerminalKeys {
        fn next(&mut self) -> Option<char> {
            if self.typed.is_empty() && self.set_mode() {
                let mut bytes = [0; 4096];
                let length = rustix::io::read(io::stdin(), &mut bytes).unwrap_or(0);
                self.typed.extend(characters(bytes.get(..length).unwrap_or_default()));
            }
            self.typed.pop_front()
        }
    }

    /// Returns the characters that were typed. Arrows, function keys and keys with Alt have none: they
    /// send Escape with one more byte, or with `[` or `O`, parameters and a final byte.
    fn characters(bytes: &[u8]) -> Vec<char> {
        let (mut characters, mut rest) = (Vec::new(), bytes);
        while let Some(start) = rest.iter().position(|&byte| byte == ESCAPE) {
            let (typed, sequence) = rest.split_at(start);
            characters.extend(String::from_utf8_lossy(typed).chars());
            let is_final = |&byte: &u8| (0x40..0x7f).contains(&byte);
            let length = match sequence.get(1) {
                Some(b'[' | b'O') => sequence.iter().skip(2).position(is_final).map_or(sequence.len(), |at| at + 3),
                _ => 2,
            };
            rest = sequence.get(length..).unwrap_or_default();
        }
        characters.extend(String::from_utf8_lossy(rest).chars());
        if characters.len() > MOST_TYPED { Vec::new() } else { characters }
    }

    impl Drop for TerminalKeys {
        fn drop(&mut self) {
            if let Some(mode) = original().take() {
                restore(&mode);
            }
        }
    }

    /// Handles Ctrl+Z and Ctrl+\, whose default would leave the terminal in our mode. A handler
    /// can't be removed, so the thread goes on for as long as the process.
    fn start_thread() -> io::Result<()> {
        static IS_STARTED: Mutex<bool> = Mutex::new(false);
        let mut is_started = IS_STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_started {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut suspend, mut resume, mut quit) = block_on(&runtime, async {
            let kind = |signal: Signal| SignalKind::from_raw(signal.as_raw());
            io::Result::Ok((signal(kind(Signal::TSTP))?, signal(kind(Signal::CONT))?, signal(SignalKind::quit())?))
        })?;
        let watch = move || loop {
            let is_suspended = block_on(&runtime, async {
                tokio::select! {
                    _ = suspend.recv() => true,
                    _ = quit.recv() => false,
                }
            });
            if !is_suspended {
                restore_mode();
                std::process::exit(EXIT_QUIT);
            }
            // Held until the process goes on, so that nothing sets the mode before it has stopped.
            let original = original();
            if let Some(mode) = &*original {
                restore(mode);
            }
            // An earlier signal, which ended another stop.
            let _ = block_on(&runtime, async { tokio::time::timeout(Duration::ZERO, resume.recv()).await });
            // In the group of a session's leader there is no shell that would resume it.
            let has_shell = getsid(None).is_ok_and(|session| session != getpgrp());
            if has_shell && kill_process(getpid(), Signal::STOP).is_ok() {
                block_on(&runtime, resume.recv());
            }
        };
        std::thread::Builder::new().name("terminal".to_owned()).spawn(watch)?;
        *is_started = true;
        Ok(())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn keys_without_a_character_are_skipped() {
            let typed = |bytes: &str| characters(bytes.as_bytes()).into_iter().collect::<String>();
            assert_eq!(typed("p?\nq"), "p?\nq");
            assert_eq!(typed("a\x1b[Ab\x1bOPc\x1b[15~d\x1b[1;5Ce\x1bqf"), "abcdef");
            assert_eq!(typed("\x1b"), "");
            assert_eq!(typed("\x1b[1;"), "");
        }

        #[test]
        fn pasted_text_is_no_command() {
            assert!(characters(b"whtool replay payment.debited\n").is_empty());
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::MOST_TYPED;
    use crate::world::Keys;
    use console::{Key, Term};
    use std::collections::VecDeque;
    use std::io;
    use std::sync::mpsc::{Receiver, Sender, channel};

    pub(in crate::edge) struct ConsoleKeys {
        pressed: Receiver<char>,
        typed: VecDeque<char>,
    }

    /// Starts to read keys. `None`: standard output is no console.
    pub(in crate::edge) fn start() -> Option<ConsoleKeys> {
        let console = Term::stdout();
        if !console.is_term() {
            return None;
        }
        let (sender, pressed) = channel();
        // A read can't be ended, so the thread goes on for as long as the process.
        std::thread::Builder::new().name("console".to_owned()).spawn(move || read(&console, &sender)).ok()?;
        Some(ConsoleKeys { pressed, typed: VecDeque::new() })
    }

    /// Sends the characters of keys until nobody receives them. Arrows and function keys have none.
    fn read(console: &Term, sender: &Sender<char>) {
        loop {
            let character = match console.read_key() {
                Ok(Key::Char(character)) => character,
                Ok(Key::Enter) => '\n',
                // Half of a character.
                Err(error) if error.kind() != io::ErrorKind::InvalidData => return,
                _ => continue,
            };
            if sender.send(character).is_err() {
                return;
            }
        }
    }

    impl Keys for ConsoleKeys {
        fn next(&mut self) -> Option<char> {
            if self.typed.is_empty() {
                let pressed: VecDeque<_> = self.pressed.try_iter().collect();
                if pressed.len() <= MOST_TYPED {
                    self.typed = pressed;
                }
            }
            self.typed.pop_front()
        }
    }

    pub(in crate::edge) fn restore_mode() {}
}
