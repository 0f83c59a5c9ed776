//! The standard streams, how wide the terminal at them is, and the progress bar on one of them.

use crate::model::error::{Error, Result};
use crate::world::{Progress, Stream};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, BufWriter, IsTerminal, Write};

/// How much output is gathered before it is written.
const BUFFER: usize = 64 * 1024;

/// Standard output, buffered.
pub(super) fn output() -> impl Write {
    BufWriter::with_capacity(BUFFER, io::stdout())
}

/// Whether a person sits at this stream.
pub(super) fn is_terminal(stream: Stream) -> bool {
    match stream {
        Stream::Input => io::stdin().is_terminal(),
        Stream::Output => io::stdout().is_terminal(),
        Stream::Error => io::stderr().is_terminal(),
    }
}

/// How many columns its terminal has.
pub(super) fn columns(stream: Stream) -> Option<u16> {
    let size = match stream {
        Stream::Input => terminal_size::terminal_size_of(io::stdin()),
        Stream::Output => terminal_size::terminal_size_of(io::stdout()),
        Stream::Error => terminal_size::terminal_size_of(io::stderr()),
    };
    size.map(|(width, _)| width.0)
}

/// Asks for a secret at the terminal, without showing it.
pub(super) fn ask_hidden(question: &str) -> Result<Vec<u8>> {
    let typed = rpassword::prompt_password(format!("{question}: "));
    let failed = |error| Error::failed("can't ask for it here").because(error).hint("pipe it in, or give a file");
    typed.map(String::into_bytes).map_err(failed)
}

/// A bar on standard error; nothing where that is no terminal, or where there is nothing to count.
pub(super) fn progress(total: u64) -> Bar {
    if total == 0 || !is_terminal(Stream::Error) {
        return Bar(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len}  {elapsed} so far, {eta} left");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    Bar(ProgressBar::new(total).with_style(style))
}

/// A progress bar.
pub(super) struct Bar(ProgressBar);

impl Progress for Bar {
    fn step(&mut self) {
        self.0.inc(1);
    }

    fn suspend(&mut self, work: &mut dyn FnMut()) {
        self.0.suspend(work);
    }

    fn finish(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar whose work ended early must not stay on the screen.
impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
