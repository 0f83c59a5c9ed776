use super::*;

/// Reads a whole column in the notation that is decided for it.
fn column(amounts: &[&str], format: AmountFormat) -> Result<Vec<Option<i128>>, AmbiguousAmounts> {
    let mut survey = AmountSurvey::default();
    amounts.iter().for_each(|amount| survey.add(amount, false));
    let notation = survey.notation(format, false)?;
    Ok(amounts.iter().map(|amount| notation.parse(amount, false).ok().map(|amount| amount.minor)).collect())
}

#[test]
fn each_notation_is_detected_for_its_column() {
    for (amounts, minor) in [
        (&["10000", "27000"][..], vec![10_000, 27_000]),
        (&["100,00", "27,50"], vec![10_000, 2_750]),
        (&["100$00", "1.270$50"], vec![10_000, 127_050]),
        (&["1.000,00", "5,10"], vec![100_000, 510]),
        (&["1,270.00", "3.5"], vec![127_000, 350]),
        (&["₦270.00", "₦1,270.00"], vec![27_000, 127_000]),
        (&["NGN 270.00", "NGN 1"], vec![27_000, 100]),
        (&["10 000", "500"], vec![1_000_000, 50_000]),
        (&["1,000,000"], vec![100_000_000]),
        (&["10 000 CVE", "500 CVE"], vec![1_000_000, 50_000]),
        (&["#270.00", "â‚¦5.00"], vec![27_000, 500]),
        (&["١٢٥٠٠٫٥٠", "２７０．００"], vec![1_250_050, 27_000]),
        (&["10\u{a0}000,00 Kz", "1\u{202f}500,50 Kz"], vec![1_000_000, 150_050]),
        (&["1'000.00", "1’500.25"], vec![100_000, 150_025]),
        (&["270.0000", "99.9900"], vec![27_000, 9_999]),
        (&["1.000", "2,50"], vec![100_000, 250]),
        (&["1.000 Kz", "250 Kz"], vec![100_000, 25_000]),
        (&[".50", "1.5"], vec![50, 150]),
        (&["1,000", "0.50"], vec![100_000, 50]),
        (&["0.500", "1.000"], vec![50, 100]),
        (&["1.000.000", "1.000"], vec![100_000_000, 100_000]),
        (&["$100.00"], vec![10_000]),
        (&["100 CVE"], vec![10_000]),
    ] {
        assert_eq!(column(amounts, AmountFormat::Auto), Ok(minor.into_iter().map(Some).collect()), "{amounts:?}");
    }
}

#[test]
fn only_what_is_truly_ambiguous_is_refused() {
    for amounts in [&["1.000", "12.000"][..], &["1,000"], &["1.000", "2500"], &["1.000", "250"], &["12.500", "1.275"]] {
        assert!(matches!(column(amounts, AmountFormat::Auto), Err(AmbiguousAmounts::Thousands(_))), "{amounts:?}");
    }
    assert!(matches!(column(&["100.0", "250.0"], AmountFormat::Auto), Err(AmbiguousAmounts::WholeDecimals(_))));
    assert_eq!(column(&["1.000"], AmountFormat::DecimalPoint), Ok(vec![Some(100)]));
    assert_eq!(column(&["1.000"], AmountFormat::DecimalComma), Ok(vec![Some(100_000)]));
    assert_eq!(column(&["1.000"], AmountFormat::MinorUnits), Ok(vec![Some(1_000)]));
    assert_eq!(column(&["12.500", "250"], AmountFormat::Decimal), Ok(vec![Some(1_250_000), Some(25_000)]));
    assert_eq!(column(&["100.0"], AmountFormat::Decimal), Ok(vec![Some(10_000)]));
    assert_eq!(column(&["27000.0"], AmountFormat::MinorUnits), Ok(vec![Some(27_000)]));
}

#[test]
fn an_amount_that_is_none_costs_only_itself() {
    let amounts = ["100.00", "abc", "1e3", "2.70E+04", "--1", "1.2.3", "", "5%", "1.234.5", "12 34"];
    let read = column(&amounts, AmountFormat::Auto).unwrap();
    assert_eq!(read.iter().filter(|amount| amount.is_some()).count(), 1, "{read:?}");
    let notation = AmountSurvey::default().notation(AmountFormat::Decimal, false).unwrap();
    assert!(notation.parse("2.70E+04", false).unwrap_err().contains("Excel"));
}

#[test]
fn a_negative_amount_is_not_compared() {
    let amounts = ["(100.00)", "-5.00", "−5.00", "5.00-", "1.00", "-0.00"];
    let minor = [None, None, None, None, Some(100), Some(0)];
    assert_eq!(column(&amounts, AmountFormat::Auto), Ok(minor.to_vec()));
}

#[test]
fn decimal_amounts_are_exact() {
    let read = |text| AmountSurvey::default().notation(AmountFormat::Decimal, false).unwrap().parse(text, true);
    for (text, minor) in
        [("100.00", 10_000), ("100.5", 10_050), ("0.05", 5), ("90071992547409931.23", 9_007_199_254_740_993_123)]
    {
        assert_eq!(read(text).map(|amount| amount.minor), Ok(minor), "{text}");
    }
    for wrong in ["", ".", "1.234", "1e3", "--1", "é", "99999999999999999999.00"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_name_such_as_kobo_means_minor_units() {
    let mut survey = AmountSurvey::default();
    survey.add("27000.00", false);
    let notation = survey.notation(AmountFormat::Auto, true).unwrap();
    assert_eq!(notation.parse("27000.00", false).unwrap().minor, 27_000);
}

#[test]
fn a_currency_beside_the_amount_is_read() {
    let mut survey = AmountSurvey::default();
    survey.add("10 000,00 Kz", false);
    let notation = survey.notation(AmountFormat::Auto, false).unwrap();
    assert_eq!(notation.parse("10 000,00 Kz", false).unwrap().currency, Some("AOA"));
    assert_eq!(notation.parse("₦5", false).unwrap().currency, Some("NGN"));
}
