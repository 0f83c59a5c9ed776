//! The program: builds the real world, runs the command line in it, exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    whtool::edge::core_dump::disable();
    ExitCode::from(whtool::run(std::env::args_os(), &whtool::edge::Machine))
}
