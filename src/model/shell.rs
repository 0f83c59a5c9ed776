//! Lines that a user pastes into a shell.

use std::iter;

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
            Self::PowerShell => format!("$env:{name} = {command}"),
        }
    }

    /// Returns the words that start a program. A path that the shell would change is quoted, and
    /// PowerShell calls a quoted word only after `&`.
    pub fn call(self, program: &str) -> String {
        let is_plain = |c: char| match self {
            Self::Posix => c.is_ascii_alphanumeric() || "_-+=./,:@%".contains(c),
            Self::PowerShell => c.is_alphanumeric() || r"_-+./:\~".contains(c),
        };
        if !program.is_empty() && program.chars().all(is_plain) {
            return program.to_owned();
        }
        match self {
            Self::Posix => format!("'{}'", program.replace('\'', r"'\''")),
            Self::PowerShell => {
                // Typographic quotes end a string, too.
                let is_quote = |c: char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
                let doubled = program.chars().flat_map(|c| iter::repeat_n(c, if is_quote(c) { 2 } else { 1 }));
                format!("& '{}'", doubled.collect::<String>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_has_its_own_notation() {
        let lines = |shell: Shell| {
            let show = format!("{} show", shell.call("x y"));
            [shell.set_variable("A", "b"), shell.set_variable_to_output("A", &show)]
        };
        assert_eq!(lines(Shell::Posix), ["export A=b", "export A=$('x y' show)"]);
        assert_eq!(lines(Shell::PowerShell), ["$env:A = 'b'", "$env:A = & 'x y' show"]);
    }

    #[test]
    fn a_program_is_quoted_only_where_the_shell_would_change_its_path() {
        for (program, words) in [
            ("./target/debug/whtool", "./target/debug/whtool"),
            ("/my tools/whtool", "'/my tools/whtool'"),
            ("it's", r"'it'\''s'"),
            (r"C:\tools\whtool.exe", r"'C:\tools\whtool.exe'"),
            ("", "''"),
        ] {
            assert_eq!(Shell::Posix.call(program), words);
        }
        for (program, words) in [
            (r".\whtool.exe", r".\whtool.exe"),
            (r"C:\Users\José\whtool.exe", r"C:\Users\José\whtool.exe"),
            (r"C:\Program Files\whtool.exe", r"& 'C:\Program Files\whtool.exe'"),
            (r"C:\a&$b\it's", r"& 'C:\a&$b\it''s'"),
            ("C:\\Ana\u{2019}s", "& 'C:\\Ana\u{2019}\u{2019}s'"),
        ] {
            assert_eq!(Shell::PowerShell.call(program), words);
        }
    }
}
