//! Formats the report of `check`: text for a terminal, JSON lines, JUnit XML, an HTML page.

mod html;
mod json;
mod junit;
mod text;

pub use html::{html, html_body, is_html_report};
pub use json::json;
pub use junit::{is_junit_report, junit};
pub use text::{ReportDetail, TextLayout, text};

use crate::model::timestamp::Timestamp;
use std::time::Duration;
use url::Url;

/// Facts about a check that are not in its report.
#[derive(Clone, Debug)]
pub struct ReportHeader {
    /// The provider's name on the command line.
    pub provider: &'static str,
    /// The provider's name in prose.
    pub title: &'static str,
    pub url: Url,
    /// Name of the secret that events were signed with.
    pub secret: String,
    /// Environment variable for the handler's secret.
    pub variable: &'static str,
    pub started: Timestamp,
    /// Duration of the whole check.
    pub took: Duration,
    pub signs_timestamp: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckReport;
    use crate::check::tests::{correct_report, faulty_report, now, rejecting_reports};
    use crate::model::width::Width;
    use crate::render::paint::Paint;

    fn header() -> ReportHeader {
        ReportHeader {
            provider: "plexos",
            title: "Plexos Pay",
            url: "http://localhost/hooks".parse().unwrap(),
            secret: "PLEXOS_WEBHOOK_SECRET".to_owned(),
            variable: "PLEXOS_WEBHOOK_SECRET",
            started: now(),
            took: Duration::from_millis(412),
            signs_timestamp: true,
        }
    }

    fn text_report(report: &CheckReport, detail: ReportDetail) -> String {
        text(report, &header(), &TextLayout { detail, width: Width::Unlimited, paint: Paint::Plain })
    }

    /// Replaces the version and all signatures, which whtool itself has computed.
    fn redact(text: &str) -> String {
        let text = text.replace(concat!("whtool/", env!("CARGO_PKG_VERSION")), "whtool/VERSION");
        let hex_length = |text: &str| text.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (mut redacted, mut rest) = (String::new(), text.as_str());
        while let Some(letter) = rest.chars().next() {
            let (shown, length) = match hex_length(rest) {
                0 => (&rest[..letter.len_utf8()], letter.len_utf8()),
                length @ 62.. => ("SIGNATURE", length),
                length => (&rest[..length], length),
            };
            redacted.push_str(shown);
            rest = &rest[length..];
        }
        redacted
    }

    /// Probes of a report that is short enough for a snapshot of a format with all requests.
    const SOME: [&str; 4] = ["refuse.signature.missing", "refuse.timestamp.ahead", "raw.number.large", "behave.twice"];

    #[test]
    fn the_text_report_of_a_correct_handler_counts_what_passed() {
        insta::assert_snapshot!(redact(&text_report(&correct_report(&[]), ReportDetail::Summary)));
    }

    #[test]
    fn the_text_report_of_a_faulty_handler_shows_every_problem_once() {
        insta::assert_snapshot!(redact(&text_report(&faulty_report(&[]), ReportDetail::Summary)));
    }

    #[test]
    fn the_text_report_of_a_handler_that_rejects_everything_names_its_mistake_or_what_was_tried() {
        let texts = rejecting_reports().map(|report| {
            let text = redact(&text_report(&report, ReportDetail::Summary));
            // The number grows with the tables of the diagnosis.
            match report.problems().first().and_then(|problem| problem.cause.attempts()) {
                Some(attempts) => text.replace(&format!("{attempts} wrong ways"), "N wrong ways"),
                None => text,
            }
        });
        insta::assert_snapshot!(texts.concat());
    }

    #[test]
    fn the_full_text_report_lists_every_probe() {
        insta::assert_snapshot!(redact(&text_report(&faulty_report(&SOME), ReportDetail::Full)));
    }

    #[test]
    fn the_json_report_has_a_line_for_each_probe_and_one_for_the_check() {
        let records = [correct_report(&SOME), faulty_report(&SOME)].map(|report| json(&report, &header()));
        insta::assert_snapshot!(redact(&String::from_utf8(records.concat()).unwrap()));
    }

    #[test]
    fn the_junit_report_has_a_suite_for_each_group() {
        let files = [correct_report(&SOME), faulty_report(&SOME)].map(|report| junit(&report, &header()));
        insta::assert_snapshot!(redact(&files.concat()));
    }

    #[test]
    fn the_html_report_shows_problems_first_and_then_every_probe() {
        let page = html(&faulty_report(&SOME), &header());
        let (_, body) = page.split_once("</style>").unwrap();
        insta::assert_snapshot!(redact(body).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }
}
