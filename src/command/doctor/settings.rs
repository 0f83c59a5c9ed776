//! Which settings hold that are not the default, and who set them.

use super::{Finding, Grade};
use crate::command::shared::loaded_settings::LoadedSettings;
use crate::settings::option;

const AREA: &str = "settings";

/// Looks at the settings of variables and files.
pub(super) fn look(configured: &LoadedSettings) -> Vec<Finding> {
    if !configured.errors().is_empty() {
        return configured.errors().iter().map(|error| Finding::of_error(AREA, "settings", error)).collect();
    }
    let set = option::ALL.iter().filter_map(|setting| configured.value(setting)).map(|value| {
        let what = format!("{}, from {}", value.values.join(", "), value.origin);
        Finding::new(AREA, Grade::Good, value.setting.key, what)
    });
    let set: Vec<_> = set.collect();
    if set.is_empty() {
        return vec![Finding::new(AREA, Grade::Good, "defaults", "no variable and no file sets anything")];
    }
    set
}
