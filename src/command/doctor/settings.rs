//! Lists the settings that are not the default, and where they come from.

use super::{DoctorFinding, Severity};
use crate::command::shared::loaded_settings::LoadedSettings;
use crate::settings::option;

const AREA: &str = "settings";

pub(super) fn check(configured: &LoadedSettings) -> Vec<DoctorFinding> {
    if !configured.errors().is_empty() {
        return configured.errors().iter().map(|error| DoctorFinding::from_error(AREA, "settings", error)).collect();
    }
    let set = option::ALL.iter().filter_map(|setting| configured.value(setting)).map(|value| {
        let message = format!("{}, from {}", value.values.join(", "), value.origin);
        DoctorFinding::new(AREA, Severity::Ok, value.setting.key, message)
    });
    let set: Vec<_> = set.collect();
    if set.is_empty() {
        return vec![DoctorFinding::new(AREA, Severity::Ok, "defaults", "no variable or file changes a setting")];
    }
    set
}
