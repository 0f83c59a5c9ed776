//! Opens bytes in the user's editor.

use super::environment::{remove_variables, variable};
use crate::model::error::{Error, Result};
use std::io::Write;
use std::path::Path;
use std::process::Command;

const DEFAULT_EDITOR: &str = if cfg!(windows) { "notepad" } else { "vi" };

/// Returns the bytes as the user saved them. A final newline that the editor added is removed
/// again.
pub(super) fn edit(bytes: &[u8], hidden_variables: &[&str]) -> Result<Vec<u8>> {
    let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| DEFAULT_EDITOR.to_owned());
    let failed =
        |error: std::io::Error| Error::failed(format!("can't edit with {editor}")).because(error).hint("set EDITOR");
    let mut file = tempfile::Builder::new().prefix("whtool-").suffix(".json").tempfile().map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.flush()).map_err(failed)?;
    // Closed: Windows lets no editor replace an open file.
    let path = file.into_temp_path();
    let mut command = editor_command(&editor, &path);
    remove_variables(&mut command, hidden_variables);
    let status = command.status().map_err(failed)?;
    if !status.success() {
        return Err(Error::failed(format!("{editor} ended with {status}")).because("nothing was sent"));
    }
    let edited = std::fs::read(&path).map_err(failed)?;
    Ok(without_added_newline(bytes, edited))
}

/// The editor is a program with arguments, or the path of a program, which may contain spaces.
#[cfg(not(windows))]
fn editor_command(editor: &str, file: &Path) -> Command {
    let is_path = Path::new(editor).is_file();
    let mut words = editor.split_whitespace();
    let program = words.next().filter(|_| !is_path).unwrap_or(editor);
    let mut command = Command::new(program);
    if !is_path {
        command.args(words);
    }
    command.arg(file);
    command
}

/// Many editors are started by a script, such as `code.cmd`, which only `cmd` finds by its name.
#[cfg(windows)]
fn editor_command(editor: &str, file: &Path) -> Command {
    let quote = if Path::new(editor).is_file() { "\"" } else { "" };
    super::process::cmd(&format!("{quote}{editor}{quote} \"{}\"", file.display()))
}

fn without_added_newline(before: &[u8], mut edited: Vec<u8>) -> Vec<u8> {
    if !before.ends_with(b"\n") && edited.ends_with(b"\n") {
        edited.pop();
    }
    edited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newline_that_the_editor_added_is_removed() {
        assert_eq!(without_added_newline(b"{}", b"{1}\n".to_vec()), b"{1}");
        assert_eq!(without_added_newline(b"{}\n", b"{1}\n".to_vec()), b"{1}\n");
    }
}
