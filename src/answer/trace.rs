//! The exception in a stack trace, as interpreters and frameworks print it.

/// Returns the line that names the exception, or the first line of another text.
pub(super) fn telling_line(text: &str) -> &str {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let exception = if text.contains("Traceback (most recent call last)") {
        // Python prints the exception last.
        lines.iter().rfind(|line| !line.starts_with([' ', '\t'])).copied()
    } else {
        root_cause(&lines).or_else(|| before_frames(&lines)).or_else(|| go_panic(&lines))
    };
    exception.or_else(|| lines.first().copied()).unwrap_or_default().trim()
}

/// Returns the last cause in a trace of Java, which is the first that happened.
fn root_cause<'t>(lines: &[&'t str]) -> Option<&'t str> {
    lines.iter().rev().find_map(|line| line.trim_start().strip_prefix("Caused by: "))
}

/// Returns the line before the first frame: in JavaScript, Java, C#, Ruby and PHP.
fn before_frames<'t>(lines: &[&'t str]) -> Option<&'t str> {
    let first = lines.iter().position(|line| is_frame(line))?;
    let before = lines.get(..first)?;
    before.iter().rfind(|line| !line.starts_with([' ', '\t'])).copied()
}

fn is_frame(line: &str) -> bool {
    let bare = line.trim_start();
    let is_indented = bare.len() < line.len();
    (is_indented && (bare.starts_with("at ") || bare.starts_with("from ")))
        || bare.starts_with("Stack trace:")
        || bare.starts_with("#0 ")
        // Rack: `RuntimeError: boom`, then `\tapp.rb:3:in ...`.
        || (is_indented && bare.contains(".rb:") && bare.contains(":in "))
}

fn go_panic<'t>(lines: &[&'t str]) -> Option<&'t str> {
    lines.iter().find(|line| line.starts_with("panic: ") || line.contains("http: panic serving")).copied()
}
