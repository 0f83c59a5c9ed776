//! Standard output, terminal sizes, hidden prompts and the progress bar.

use crate::model::error::{Error, Result};
use crate::world::{Progress, Stream};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, BufWriter, IsTerminal, Write};

const OUTPUT_BUFFER: usize = 64 * 1024;

pub(super) fn stdout() -> impl Write {
    BufWriter::with_capacity(OUTPUT_BUFFER, io::stdout())
}

pub(super) fn is_terminal(stream: Stream) -> bool {
    match stream {
        Stream::Input => io::stdin().is_terminal(),
        Stream::Output => io::stdout().is_terminal(),
        Stream::Error => io::stderr().is_terminal(),
    }
}

/// Makes the console interpret colors, which Windows does not do by default.
#[cfg(windows)]
pub(super) fn enable_colors() {
    for console in [console::Term::stdout(), console::Term::stderr()] {
        // Asking enables them.
        console.features().colors_supported();
    }
}

#[cfg(not(windows))]
pub(super) fn enable_colors() {}

pub(super) fn columns(stream: Stream) -> Option<u16> {
    let size = match stream {
        Stream::Input => terminal_size::terminal_size_of(io::stdin()),
        Stream::Output => terminal_size::terminal_size_of(io::stdout()),
        Stream::Error => terminal_size::terminal_size_of(io::stderr()),
    };
    size.map(|(width, _)| width.0)
}

pub(super) fn prompt_hidden(question: &str) -> Result<Vec<u8>> {
    let typed = rpassword::prompt_password(format!("{question}: "));
    let failed = |error| {
        Error::failed("can't prompt for the secret").because(error).hint("pipe it to standard input, or name a file")
    };
    typed.map(String::into_bytes).map_err(failed)
}

/// Returns a progress bar on standard error; an invisible one without a terminal, or if `total` is
/// 0.
pub(super) fn progress(total: u64) -> Bar {
    if total == 0 || !is_terminal(Stream::Error) {
        return Bar(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len}  {elapsed} elapsed, {eta} left");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    Bar(ProgressBar::new(total).with_style(style))
}

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

/// Removes the bar from the screen if the work ended early.
impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
