//! Opens bytes in the user's editor.

use super::environment::{remove_variables, variable};
use crate::model::error::{Error, Result};
use std::io::Write;
use std::process::Command;

/// Returns the bytes as the user saved them. A final newline that the editor added is removed
/// again.
pub(super) fn edit(bytes: &[u8], hidden_variables: &[&str]) -> Result<Vec<u8>> {
    let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let failed =
        |error: std::io::Error| Error::failed(format!("can't edit with {editor}")).because(error).hint("set EDITOR");
    let mut file = tempfile::Builder::new().prefix("whtool-").suffix(".json").tempfile().map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.flush()).map_err(failed)?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let mut command = Command::new(program);
    remove_variables(&mut command, hidden_variables);
    let status = command.args(words).arg(file.path()).status().map_err(failed)?;
    if !status.success() {
        return Err(Error::failed(format!("{editor} ended with {status}")).because("nothing was sent"));
    }
    let edited = std::fs::read(file.path()).map_err(failed)?;
    Ok(without_added_newline(bytes, edited))
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
