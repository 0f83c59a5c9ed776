//! What a daily `reconcile` needs: a business day, accepted differences, reports and exit status.

use crate::reconcile::{Api, FakeAnswer, Ran, home};
use std::path::Path;

/// A payment whose id has its status, amount and day: `pi_SETTLED-10000-2026-11-27`.
fn dated(id: &str) -> FakeAnswer {
    let id = id.replace("%3A", ":");
    let mut parts = id.trim_start_matches("pi_").splitn(3, '-');
    let (Some(status), Some(amount), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return (404, "", r#"{"error":{"message":"No such payment","code":"NOT_FOUND"}}"#.to_owned());
    };
    let time = if day.contains('T') { day.to_owned() } else { format!("{day}T12:00:00Z") };
    let body = format!(
        r#"{{"id":"{id}","amount":"{amount}","currency":"CVE","status":"{status}","createdAt":"{time}","updatedAt":"{time}"}}"#
    );
    (200, "", body)
}

fn api() -> Api {
    Api::new(|last, _| dated(last))
}

/// Runs `reconcile --from` with a list of `reference,status,amount` rows.
fn run(home: &Path, rows: &[&str], flags: &[&str]) -> Ran {
    let text = format!("reference,status,amount\n{}\n", rows.join("\n"));
    std::fs::write(home.join("orders.csv"), text).unwrap();
    let mut command = api().command(home, &[&["--from", "orders.csv"], flags].concat());
    Ran::of(command.current_dir(home).output().unwrap())
}

fn read(home: &Path, name: &str) -> String {
    std::fs::read_to_string(home.join(name)).unwrap()
}

const DAY: [&str; 4] = ["--day", "2026-11-27", "--tz", "Africa/Lagos"];

#[test]
fn a_day_counts_what_was_created_on_it_in_its_zone_and_names_the_number_of_the_rest() {
    let home = home();
    // In Lagos, the 27th begins at 23:00 UTC of the 26th.
    let rows = [
        "pi_SETTLED-10000-2026-11-26T22:59:59.999Z,failed,10000",
        "pi_SETTLED-20000-2026-11-26T23:00:00Z,paid,20000",
        "pi_SETTLED-30000-2026-11-27T22:59:59Z,paid,30000",
        "pi_SETTLED-40000-2026-11-27T23:00:00Z,failed,40000",
        "pi_unknown,paid,50000",
    ];
    let ran = run(home.path(), &rows, &DAY);
    let summary = ran.out.split_once("\n\n").unwrap().1;
    let expected = "3 references: 2 matched, 1 not found\n  not found                  1  500.00 (50000)\n  matched                    2  500.00 CVE (50000)\n  created 2026-11-27 (Africa/Lagos): 2 outside not counted, 1 without a time counted\n  2 agreeing orders without a captured webhook of the outcome\n";
    assert_eq!((ran.status, summary), (1, expected), "{}", ran.err);
    let json = run(home.path(), &rows, &[&DAY[..], &["--json"]].concat());
    let totals = json.records().pop().unwrap();
    assert_eq!((&totals["references"], &totals["period"]["outside"]), (&3.into(), &2.into()));
    assert_eq!(totals["period"]["until"], "2026-11-27T23:00:00Z");
    let limits = run(home.path(), &rows, &["--since", "2026-11-27", "--until", "2026-11-28", "--tz", "Africa/Lagos"]);
    assert!(limits.out.contains("from 2026-11-27 00:00:00 to before 2026-11-28 00:00:00 (Africa/Lagos): 2 outside"));
}

#[test]
fn a_day_or_zone_that_does_not_exist_is_a_usage_error() {
    let home = home();
    for (flags, words) in [
        (&["--tz", "Africa/Lagoss"][..], "did you mean Africa/Lagos?"),
        (&["--day", "2026-02-30"], "there is no 2026-02-30 in the calendar"),
        (&["--day", "2011-12-30", "--tz", "Pacific/Apia"], "there was no 2011-12-30 in Pacific/Apia"),
        (&["--since", "2026-11-28", "--until", "2026-11-27"], "--until must be after --since"),
        (&["--day", "today", "--since", "2h"], "cannot be used with"),
    ] {
        let ran = run(home.path(), &["pi_1,paid,1"], flags);
        assert!(ran.status == 2 && ran.err.contains(words), "{flags:?}: {} {}", ran.status, ran.err);
    }
}

#[test]
fn a_day_without_transactions_is_a_success_and_says_so() {
    let home = home();
    let ran =
        run(home.path(), &["pi_SETTLED-10000-2026-11-20,failed,1"], &[&DAY[..], &["--html", "day.html"]].concat());
    let expected = "0 references\n  created 2026-11-27 (Africa/Lagos): 1 outside not counted\n";
    assert_eq!((ran.status, ran.out.as_str()), (0, expected));
    assert!(read(home.path(), "day.html").contains("No transactions in this period"));
}

#[test]
fn accepted_differences_do_not_count_until_their_facts_change() {
    let home = home();
    let (wrong, failed) = ("pi_SETTLED-10000-2026-11-27,paid,9900", "pi_FAILED-500-2026-11-27,paid,500");
    let accept = ["--known", "known.txt", "--accept", "amount_differs:pi_SETTLED-10000-2026-11-27=rounding"];
    assert_eq!(run(home.path(), &[wrong, failed], &accept).status, 1);
    let file = read(home.path(), "known.txt");
    let line = file.lines().last().unwrap();
    assert!(line.starts_with("amount_differs pi_SETTLED-10000-2026-11-27 by=-100  # rounding, 20"), "{file}");

    let known = ["--known", "known.txt"];
    let ran = run(home.path(), &[wrong], &known);
    assert!(ran.status == 0 && ran.out.contains("\n    accepted: rounding, 20"), "{}{}", ran.out, ran.err);
    let news = run(home.path(), &[wrong, failed], &[&known[..], &["--only", "differences"]].concat());
    assert!(news.status == 1 && !news.out.contains("rounding"), "{}", news.out);
    assert!(news.out.contains("2 references: 1 status differs, 1 accepted\n"), "{}", news.out);

    let changed = run(home.path(), &["pi_SETTLED-10000-2026-11-27,paid,9800"], &known);
    assert!(changed.status == 1 && changed.out.contains("accepted with by=-100, and now by=-200"), "{}", changed.out);
    let gone = run(home.path(), &["pi_SETTLED-10000-2026-11-27,paid,10000"], &known);
    assert!(gone.status == 0 && gone.err.contains("1 accepted difference is gone"), "{}", gone.err);
    assert_eq!(read(home.path(), "known.txt"), file, "only --accept writes the file");
}

#[test]
fn accepting_what_does_not_occur_or_into_another_file_fails_and_writes_nothing() {
    let home = home();
    let row = ["pi_SETTLED-10000-2026-11-27,paid,9900"];
    let accept = |file, what| run(home.path(), &row, &["--known", file, "--accept", what]);
    let ran = accept("known.txt", "status_differs:pi_SETTLED-10000-2026-11-27");
    assert_eq!(ran.status, 3, "{}", ran.err);
    assert!(!home.path().join("known.txt").exists());
    let before = "reference,status,amount\npi_SETTLED-10000-2026-11-27,paid,9900\n";
    let ran = accept("orders.csv", "amount_differs:pi_SETTLED-10000-2026-11-27");
    assert!(ran.status == 3 && ran.err.contains("orders.csv is not a file of accepted differences"), "{}", ran.err);
    assert_eq!(read(home.path(), "orders.csv"), before);
    assert_eq!(accept("known.txt", "could_not_tell:pi_1").status, 2);
}

#[test]
fn the_exit_status_follows_the_chosen_classes_but_never_hides_an_inconclusive_reference() {
    let home = home();
    let rows = ["pi_SETTLED-10000-2026-11-27,failed,9900", "pi_CREATED-1-2026-11-27,pending,1"];
    for (flags, status) in [
        (&[][..], 1),
        (&["--fail-on", "unknown_to_provider"], 0),
        (&["--fail-on", "status_differs"], 1),
        // It is the second finding of a reference.
        (&["--fail-on", "unknown_to_provider,amount_differs"], 1),
        (&["--fail-on", "still_open"], 1),
        (&["--fail-on", "could_not_tell"], 2),
    ] {
        assert_eq!(run(home.path(), &rows, flags).status, status, "{flags:?}");
    }
    let inconclusive = [rows[0], "evt_1,paid,1"];
    assert_eq!(run(home.path(), &inconclusive, &["--fail-on", "unknown_to_provider"]).status, 3);
}

#[test]
fn reports_are_written_together_and_say_when_and_what_was_compared() {
    let home = home();
    let rows = [
        "pi_SETTLED-10000-2026-11-27,paid,10000",
        "pi_SETTLED-250000-2026-11-27,paid,240000",
        "pi_FAILED-100-2026-11-27,paid,100",
        "pi_a&b'c,<script>alert(1)</script>,1",
        "evt_1,paid,1",
    ];
    let files = ["--html", "r.html", "--junit", "r.xml", "--json"];
    let ran = run(home.path(), &rows, &[&DAY[..], &files].concat());
    assert_eq!((ran.status, ran.records().len()), (3, 6), "{}", ran.err);
    let page = read(home.path(), "r.html");
    for words in [
        "<title>Reconciliation of 27 November 2026</title>",
        "Incomplete: 1 transaction could not be compared",
        "Plexos Pay in test mode, no real money (127.0.0.1)",
        "<dd>orders.csv</dd>",
        "2,500.00 CVE",
        "-100.00 CVE",
        "no: 1 transaction could not be compared. There may be more differences",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert!(!page.contains("<script>alert"));
    let junit = read(home.path(), "r.xml");
    assert!(junit.contains(" tests=\"5\" failures=\"3\" errors=\"1\" skipped=\"0\""), "{junit}");
    assert!(junit.contains("<error type=\"could_not_tell\"") && junit.contains("<failure type=\"amount_differs\""));
}

#[test]
fn a_run_that_stops_leaves_reports_that_say_so() {
    let home = home();
    let api = Api::new(|last, _| if last.contains("stop") { (401, "", "{}".to_owned()) } else { dated(last) });
    std::fs::write(home.path().join("list"), "pi_SETTLED-1-2026-11-27\npi_stop\n").unwrap();
    let flags = ["--from", "list", "--concurrency", "1", "--html", "r.html", "--junit", "r.xml", "--summary"];
    let ran = Ran::of(api.command(home.path(), &flags).current_dir(home.path()).output().unwrap());
    assert_eq!(ran.status, 4, "{}", ran.err);
    assert_eq!(ran.out.lines().count(), 5, "{}", ran.out);
    assert!(
        ran.out.ends_with("credentials\n") || ran.out.contains("Complete: NO, the run stopped early"),
        "{}",
        ran.out
    );
    assert!(read(home.path(), "r.html").contains("Incomplete: the comparison stopped before its end"));
    assert!(read(home.path(), "r.xml").contains("<error type=\"run\" message=\"the run stopped early"));
}

#[test]
fn a_file_that_is_no_report_is_refused_before_anything_is_asked() {
    let home = home();
    let api = api();
    std::fs::write(home.path().join("notes.html"), "my notes").unwrap();
    for flags in [&["--html", "notes.html"][..], &["--html", "a.xml", "--junit", "a.xml"]] {
        let mut command = api.command(home.path(), &[&["pi_1"], flags].concat());
        let ran = Ran::of(command.current_dir(home.path()).output().unwrap());
        assert!(ran.status == 3 || ran.status == 2, "{}", ran.err);
    }
    assert_eq!((read(home.path(), "notes.html").as_str(), api.asked().len()), ("my notes", 0));
}

#[test]
fn five_lines_tell_a_chat_what_happened() {
    let home = home();
    let rows = [
        "pi_SETTLED-10000-2026-11-27,paid,10000",
        "pi_SETTLED-250000-2026-11-27,paid,240000",
        "pi_CREATED-100-2026-11-27,pending,100",
        "pi_FAILED-100-2026-11-26,paid,100",
    ];
    let ran = run(home.path(), &rows, &[&DAY[..], &["--summary"]].concat());
    let expected = "\
3 transactions compared with Plexos Pay (test mode), 2026-11-27 (Africa/Lagos)
Needs attention: 1 different amount (2,500.00 CVE)
In order: 1 still open (1.00 CVE), 1 matched (100.00 CVE)
Not counted: 1 outside of the period
Complete: yes
";
    assert_eq!((ran.status, ran.out.as_str()), (1, expected), "{}", ran.err);
}

#[test]
fn csv_goes_to_a_file_beside_json_and_has_every_reference_and_whatever_is_missing() {
    let home = home();
    let rows = ["pi_SETTLED-10000-2026-11-27,paid,10000", "pi_FAILED-500-2026-11-27,paid,500"];
    let ran = run(home.path(), &rows, &["--csv", "all.csv", "--json", "--only", "differences", "--html", "r.html"]);
    assert_eq!((ran.status, ran.records().len()), (1, 2), "{}", ran.err);
    let table = read(home.path(), "all.csv");
    assert!(table.lines().count() == 3 && table.starts_with("line,reference,provider,class,"), "{table}");
    assert!(!ran.out.contains("line,reference"));

    let api = Api::new(|last, _| if last.contains("stop") { (401, "", "{}".to_owned()) } else { dated(last) });
    std::fs::write(home.path().join("list"), "pi_SETTLED-1-2026-11-27\npi_stop\n").unwrap();
    let flags = ["--from", "list", "--concurrency", "1", "--csv", "all.csv"];
    Ran::of(api.command(home.path(), &flags).current_dir(home.path()).output().unwrap());
    let table = read(home.path(), "all.csv");
    assert!(
        table.lines().last().unwrap().contains("could_not_tell") && table.contains("the run stopped early"),
        "{table}"
    );
}

#[test]
fn a_reference_after_csv_is_never_taken_for_a_file() {
    let (home, api) = (home(), api());
    let ran = api.run(home.path(), &["--csv", "pi_SETTLED"]);
    assert!(ran.status == 2 && ran.err.contains("put --csv last"), "{}", ran.err);
    let ran = api.run(home.path(), &["pi_SETTLED-10000-2026-11-27", "--csv"]);
    assert!(ran.status == 0 && ran.out.starts_with("line,reference"), "{}", ran.err);
    assert_eq!(api.run(home.path(), &["pi_1", "--csv", "--json"]).status, 2);
    std::fs::write(home.path().join("notes.csv"), "a,b\n1,2\n").unwrap();
    let mut command = api.command(home.path(), &["pi_1", "--csv", "notes.csv"]);
    assert_eq!(Ran::of(command.current_dir(home.path()).output().unwrap()).status, 3);
    assert_eq!(read(home.path(), "notes.csv"), "a,b\n1,2\n");
}

#[test]
fn fees_and_net_amounts_are_added_up_and_must_agree_with_the_amount() {
    let home = home();
    let api = Api::new(|last, _| {
        let (status, net) = if last == "pi_wrong" { ("SETTLED", 9_000) } else { ("SETTLED", 9_800) };
        let status = if last == "pi_failed" { "FAILED" } else { status };
        let body = format!(
            r#"{{"id":"{last}","amount":"10000","currency":"CVE","status":"{status}","feeAmount":"200","netAmount":"{net}"}}"#
        );
        (200, "", body)
    });
    let ran = api.run(home.path(), &["pi_1", "pi_2", "pi_failed", "--json"]);
    let fees = &ran.records().pop().unwrap()["fees"];
    let expected = r#"[{"currency":"CVE","references":2,"minor":"20000","fee":"400","net":"19600"}]"#;
    assert_eq!((ran.status, fees.to_string().as_str()), (0, expected), "{}", ran.err);
    let ran = api.run(home.path(), &["pi_wrong"]);
    let reason = "the record's fee 2.00 CVE (200) and net amount 90.00 CVE (9000) do not add up to 100.00 CVE (10000)";
    assert!(ran.status == 1 && ran.out.contains(reason), "{}", ran.out);
}

#[test]
fn an_order_that_was_not_compared_in_full_is_in_no_report_a_success() {
    let home = home();
    let rows = ["pi_SETTLED-10000-2026-11-27,shipped,10000"];
    let ran = run(home.path(), &rows, &["--html", "r.html", "--junit", "r.xml", "--summary"]);
    assert_eq!(ran.status, 3, "{}", ran.err);
    assert!(ran.out.ends_with("Complete: NO, 1 transaction could not be compared\n"), "{}", ran.out);
    assert!(read(home.path(), "r.html").contains("Incomplete: 1 transaction could not be compared"));
    assert!(read(home.path(), "r.xml").contains("errors=\"1\""));
}
