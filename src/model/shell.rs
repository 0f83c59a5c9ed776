//! Lines that a user pastes into a shell.

/// The shell of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    #[default]
    Posix,
    PowerShell,
}

impl Shell {
    /// Returns the line that sets an environment variable. The value has no character that a shell
    /// would change.
    pub fn set_variable(self, name: &str, value: &str) -> String {
        match self {
            Self::Posix => format!("export {name}={value}"),
            Self::PowerShell => format!("$env:{name} = '{value}'"),
        }
    }

    /// Returns the line that sets an environment variable to the output of a command.
    pub fn set_variable_to_output(self, name: &str, command: &str) -> String {
        match self {
            Self::Posix => format!("export {name}=$({command})"),
            Self::PowerShell => format!("$env:{name} = & {command}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_has_its_own_notation() {
        let lines = |shell: Shell| [shell.set_variable("A", "b"), shell.set_variable_to_output("A", "\"x y\" show")];
        assert_eq!(lines(Shell::Posix), ["export A=b", "export A=$(\"x y\" show)"]);
        assert_eq!(lines(Shell::PowerShell), ["$env:A = 'b'", "$env:A = & \"x y\" show"]);
    }
}
