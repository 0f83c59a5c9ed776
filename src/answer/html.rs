//! The message in an HTML page: error pages of frameworks and servers, login pages.

use super::collapse;

/// Longest text of a page that is returned, in characters.
const MAX_TEXT: usize = 300;

/// Elements whose content is no text.
const HIDDEN: [&str; 6] = ["script", "style", "svg", "head", "template", "noscript"];

/// Titles that frameworks give every error page.
const GENERIC_TITLES: [&str; 8] = [
    "error",
    "laravel",
    "internal server error",
    "server error",
    "action controller: exception caught",
    "untitled",
    "document",
    "unhandled exception",
];

/// Parts of error pages that contain the message alone: of Django, Rails, ASP.NET Core.
const MESSAGE_MARKS: [&str; 3] = ["class=\"exception_value\"", "class=\"exception-message\"", "class=\"titleerror\""];

/// Returns true for a text that is HTML, or a fragment of it such as the errors of PHP.
pub(super) fn is_page(text: &str) -> bool {
    let start = text.get(..text.len().min(2_000)).unwrap_or(text).to_ascii_lowercase();
    let marks = ["<!doctype", "<html", "<head", "<title", "<body", "<pre", "<h1", "<br", "<p>", "<div", "<b>"];
    start.starts_with('<') && marks.iter().any(|mark| start.contains(mark))
}

/// Returns the title and, unless the title has it already, the message or the beginning of the text.
pub(super) fn telling_text(page: &str) -> String {
    let title = element(page, "title").map(text_of).unwrap_or_default();
    let body = text_of(page);
    // PHP writes the frames after it.
    let body = body.split(" Stack trace:").next().unwrap_or_default().to_owned();
    let message = MESSAGE_MARKS.iter().find_map(|mark| marked_text(page, mark)).filter(|text| !text.is_empty());
    let is_generic = title.is_empty() || GENERIC_TITLES.contains(&title.to_lowercase().as_str());
    let told = match message {
        Some(message) if is_generic || message.contains(&title) => message,
        Some(message) => format!("{title}: {message}"),
        // Express writes the exception and its frames there.
        None if is_generic && element(page, "pre").is_some() => first_line_of_pre(page),
        // The text repeats the title and adds something.
        None if body.to_lowercase().starts_with(&title.to_lowercase()) && !body.is_empty() => body,
        None if is_generic && !body.is_empty() => body,
        None if is_generic => comment(page).unwrap_or(title),
        None => title,
    };
    match told.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => told[..end].to_owned(),
        None => told,
    }
}

fn first_line_of_pre(page: &str) -> String {
    let content = element(page, "pre").unwrap_or_default();
    let lines = content.split('\n').flat_map(|line| line.split("<br"));
    lines.map(text_of).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Returns what is between the tags of the first element with this name.
fn element<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find(&format!("<{name}"))?;
    let content = start + lower[start..].find('>')? + 1;
    let end = lower[content..].find(&format!("</{name}")).map_or(page.len(), |length| content + length);
    page.get(content..end)
}

/// Returns the text of the element whose tag contains this mark, up to the next tag with text.
fn marked_text(page: &str, mark: &str) -> Option<String> {
    let after = &page[page.find(mark)?..];
    let content = &after[after.find('>')? + 1..];
    // The text may be in an element of its own.
    let parts = content.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.map(|part| collapse(&decode_entities(part))).find(|text| !text.is_empty())
}

/// Returns the first comment: Laravel and Symfony write the exception there.
fn comment(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<!--")?;
    let text = rest.split("-->").next().unwrap_or_default().trim();
    text.lines().next().map(|line| collapse(&decode_entities(line))).filter(|line| !line.is_empty())
}

/// Returns the visible text of a page or of XML, up to a limit.
pub(super) fn text_of(page: &str) -> String {
    let (mut text, mut rest) = (String::new(), page);
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        if !starts_markup(rest) {
            text.push('<');
            rest = &rest[1..];
            continue;
        }
        let Some(after) = skip_markup(rest) else {
            rest = "";
            break;
        };
        text.push(' ');
        rest = after;
        if text.len() > 4 * MAX_TEXT {
            break;
        }
    }
    text.push_str(rest.get(..rest.len().min(MAX_TEXT)).unwrap_or_default());
    collapse(&decode_entities(&text))
}

/// Returns false for a `<` in a text, as in `1 < 2`.
fn starts_markup(text: &str) -> bool {
    text[1..].starts_with(|letter: char| letter.is_ascii_alphabetic() || matches!(letter, '/' | '!' | '?'))
}

/// Skips a comment, an element without text, or a tag. `None`: it does not end.
fn skip_markup(text: &str) -> Option<&str> {
    if let Some(comment) = text.strip_prefix("<!--") {
        return comment.split_once("-->").map(|(_, rest)| rest);
    }
    let name: String = text[1..].chars().take_while(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    if HIDDEN.contains(&name.as_str()) {
        let end = format!("</{name}");
        let at = text.to_ascii_lowercase().find(&end)?;
        return tag_end(&text[at..]);
    }
    tag_end(text)
}

/// Returns the text after a tag. A `>` in the value of an attribute does not end it.
fn tag_end(tag: &str) -> Option<&str> {
    let mut quote = None;
    for (at, letter) in tag.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(&tag[at + 1..]),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

fn decode_entities(text: &str) -> String {
    let named = [
        ("&nbsp;", " "),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#039;", "'"),
        ("&apos;", "'"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&ndash;", "–"),
        ("&mdash;", "—"),
        ("&amp;", "&"),
    ];
    named.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}
