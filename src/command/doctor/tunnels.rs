//! Names the tunnel programs that are installed.

use super::{DoctorFinding, Severity};
use crate::command::Session;
use crate::tunnel::PROGRAMS;

const TUNNELS: &str = "tunnels";

pub(super) fn check(session: &Session<'_>) -> DoctorFinding {
    let installed = PROGRAMS.iter().filter(|program| session.world.has_program(program.executable));
    let names: Vec<_> = installed.map(|program| program.name).collect();
    if names.is_empty() {
        let message = "none is installed, so `listen --tunnel` needs a program first";
        return DoctorFinding::new(TUNNELS, Severity::Note, "programs", message)
            .hint(format!("install {}: {}", PROGRAMS[0].name, PROGRAMS[0].install));
    }
    let message = format!("`listen --tunnel` can run {}", names.join(", "));
    DoctorFinding::new(TUNNELS, Severity::Ok, "programs", message)
}
