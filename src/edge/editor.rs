//! The person's editor, on a file of its own.

use super::environment::variable;
use crate::model::error::{Error, Result};
use std::io::Write;
use std::process::Command;

/// Lets the person change these bytes. A line break that the editor adds at the end of a text that had none is taken away again.
pub(super) fn edit(bytes: &[u8]) -> Result<Vec<u8>> {
    let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let failed =
        |error: std::io::Error| Error::failed(format!("can't edit with {editor}")).because(error).hint("set EDITOR");
    let mut file = tempfile::Builder::new().prefix("whtool-").suffix(".json").tempfile().map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.flush()).map_err(failed)?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(file.path()).status().map_err(failed)?;
    if !status.success() {
        return Err(Error::failed(format!("{editor} ended with {status}")).because("nothing was sent"));
    }
    let edited = std::fs::read(file.path()).map_err(failed)?;
    Ok(without_added_end(bytes, edited))
}

fn without_added_end(before: &[u8], mut edited: Vec<u8>) -> Vec<u8> {
    if !before.ends_with(b"\n") && edited.ends_with(b"\n") {
        edited.pop();
    }
    edited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_editors_own_line_break_is_not_part_of_the_body() {
        assert_eq!(without_added_end(b"{}", b"{1}\n".to_vec()), b"{1}");
        assert_eq!(without_added_end(b"{}\n", b"{1}\n".to_vec()), b"{1}\n");
    }
}
