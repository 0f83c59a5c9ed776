//! Whose call a path is.

/// Whose call it is, and the path after the provider's part.
pub(super) enum Route {
    Provider(&'static str, Vec<String>),
    Control(Vec<String>),
    Nowhere,
}

impl Route {
    /// Below `/plexos/v1`, `/plustive/api/v1` or `/plustive/v1` (contradiction U9); and without the first part, for an app in
    /// which only the host can be set.
    pub fn of(parts: Vec<String>) -> Self {
        let words: Vec<_> = parts.iter().map(String::as_str).take(3).collect();
        let (name, skipped) = match words.as_slice() {
            ["_emulator", ..] => return Self::Control(parts.into_iter().skip(1).collect()),
            ["plexos", "v1", ..] => ("plexos", 2),
            ["plustive", "api", "v1"] => ("plustive", 3),
            ["plustive", "v1", ..] => ("plustive", 2),
            ["api", "v1", ..] => ("plustive", 2),
            ["v1", ..] => ("plexos", 1),
            _ => return Self::Nowhere,
        };
        Self::Provider(name, parts.into_iter().skip(skipped).collect())
    }

    /// The name it is shown by.
    pub fn whose(&self) -> &'static str {
        match self {
            Self::Provider(name, _) => name,
            Self::Control(_) | Self::Nowhere => "emulator",
        }
    }
}
