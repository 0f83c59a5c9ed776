//! The program: builds the real world, runs the command line in it, exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    whtool::edge::prepare_process();
    ExitCode::from(whtool::run(std::env::args_os(), &whtool::edge::Machine))
}
