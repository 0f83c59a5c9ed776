//! The filters of a list as a query string, and as words in the one field of the page.

use url::form_urlencoded;

/// A filter of `whtool events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FilterName {
    Provider,
    Type,
    Verdict,
    Failed,
    Test,
    Since,
    Until,
    Reference,
    Grep,
}

impl FilterName {
    const ALL: [Self; 9] = [
        Self::Provider,
        Self::Type,
        Self::Verdict,
        Self::Failed,
        Self::Test,
        Self::Since,
        Self::Until,
        Self::Reference,
        Self::Grep,
    ];

    /// Returns the name in a query string, which is that of the flag.
    pub fn code(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Type => "type",
            Self::Verdict => "verdict",
            Self::Failed => "failed",
            Self::Test => "test",
            Self::Since => "since",
            Self::Until => "until",
            Self::Reference => "reference",
            Self::Grep => "grep",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        match code {
            "ref" => Some(Self::Reference),
            _ => Self::ALL.into_iter().find(|name| name.code() == code),
        }
    }

    /// Returns true if the filter has no value.
    pub fn is_flag(self) -> bool {
        matches!(self, Self::Failed | Self::Test)
    }
}

/// The filters of a list and its place in the captures. The order of filters does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// In the order of `FilterName`; of a filter other than `Type`, the last value counts.
    pub filters: Vec<(FilterName, String)>,
    /// Only captures before this one.
    pub before: Option<i64>,
    /// A word that looks like a filter and is none. With it, no capture may be listed.
    pub problem: Option<String>,
}

impl ListQuery {
    /// Reads a query string. Names that are no filters are ignored, because other parts of the page
    /// have theirs.
    pub fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (name.as_ref(), FilterName::from_code(&name)) {
                ("q", _) => read.add_words(&value),
                ("before", _) => read.before = value.parse().ok(),
                (_, Some(name)) => read.add(name, &value),
                _ => {}
            }
        }
        read
    }

    /// Reads words such as `type:payment.* is:failed text`. Words that are no filters are one text to
    /// search for.
    fn add_words(&mut self, text: &str) {
        let mut rest: Vec<&str> = Vec::new();
        // Split at single spaces, so that the text to search for keeps its own.
        for word in text.trim().split(' ') {
            match word.split_once(':').map(|(name, value)| (name, FilterName::from_code(name), value)) {
                Some(("is", _, "failed")) => self.add(FilterName::Failed, "1"),
                Some(("is", _, "test")) => self.add(FilterName::Test, "1"),
                Some((_, Some(name), value)) if !name.is_flag() => self.add(name, value),
                Some((name, None, _)) if nearest_filter(name).is_some() => {
                    let near = nearest_filter(name).unwrap_or_default();
                    self.problem = Some(format!("`{word}` is no filter: did you mean `{near}`?"));
                }
                _ => rest.push(word),
            }
        }
        self.add(FilterName::Grep, rest.join(" ").trim());
    }

    fn add(&mut self, name: FilterName, value: &str) {
        if value.is_empty() || (name.is_flag() && value == "0") {
            return;
        }
        self.filters.retain(|(known, text)| if name == FilterName::Type { text != value } else { *known != name });
        let value = if name.is_flag() { "1" } else { value };
        self.filters.push((name, value.to_owned()));
        self.filters.sort_by_key(|(name, _)| *name);
    }

    /// Returns the values of a filter.
    pub fn values(&self, name: FilterName) -> impl Iterator<Item = &str> {
        self.filters.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the filters with this one, from the newest capture on.
    #[must_use]
    pub fn with(&self, name: FilterName, value: &str) -> Self {
        let mut query = Self { before: None, problem: None, ..self.clone() };
        query.add(name, value);
        query
    }

    /// Returns the filters without this one, from the newest capture on.
    #[must_use]
    pub fn without(&self, name: FilterName, value: &str) -> Self {
        let mut query = Self { before: None, problem: None, ..self.clone() };
        query.filters.retain(|(known, text)| *known != name || text != value);
        query
    }

    /// Returns the filters at another place.
    #[must_use]
    pub fn starting_before(&self, before: Option<i64>) -> Self {
        Self { before, ..self.clone() }
    }

    /// Formats the query string without its question mark.
    pub fn to_text(&self) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.filters {
            text.append_pair(name.code(), value);
        }
        if let Some(before) = self.before {
            text.append_pair("before", &before.to_string());
        }
        text.finish()
    }
}

/// Finds the filter that a name before a colon was meant to be. `None`: it is text.
fn nearest_filter(name: &str) -> Option<String> {
    if matches!(name, "is" | "has") {
        return Some("is:failed".to_owned());
    }
    let near = FilterName::ALL.map(FilterName::code).into_iter().find(|code| strsim::osa_distance(code, name) <= 2)?;
    (name.len() > 2).then(|| format!("{near}:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_query_strings_name_the_same_filters() {
        let words = ListQuery::read("q=type%3Apayment.*+is%3Afailed+since%3A2h+two+words+a%3Ab&before=7");
        let text = "type=payment.*&failed=1&since=2h&grep=two+words+a%3Ab&before=7";
        assert_eq!(words.to_text(), text);
        assert_eq!(ListQuery::read(text), words);
        assert_eq!(ListQuery::read("part=raw&x=1&failed=0&type="), ListQuery::default());
    }

    #[test]
    fn a_misspelt_filter_is_a_problem_and_other_colons_are_text() {
        for (word, near) in [("is:refused", "is:failed"), ("typ:payment.*", "type:"), ("verdit:mismatch", "verdict:")] {
            let query = ListQuery::read(&format!("q={word}"));
            assert_eq!(query.problem, Some(format!("`{word}` is no filter: did you mean `{near}`?")));
        }
        for text in ["10:30", "https://x", "a:b", "evt_1:x"] {
            let query = ListQuery::read(&format!("q={text}"));
            assert_eq!((query.problem, query.filters), (None, vec![(FilterName::Grep, text.to_owned())]));
        }
    }

    #[test]
    fn a_filter_is_added_and_removed_from_the_newest_capture_on() {
        let query = ListQuery::read("provider=plexos&before=9");
        assert_eq!(query.with(FilterName::Provider, "plustive").to_text(), "provider=plustive");
        assert_eq!(query.with(FilterName::Failed, "1").to_text(), "provider=plexos&failed=1");
        assert_eq!(query.without(FilterName::Provider, "plexos").to_text(), "");
        assert_eq!(query.starting_before(Some(3)).to_text(), "provider=plexos&before=3");
        let types = ListQuery::read("type=a&type=b&type=a");
        assert_eq!(types.values(FilterName::Type).collect::<Vec<_>>(), ["b", "a"]);
    }
}
