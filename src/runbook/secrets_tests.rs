use std::collections::BTreeMap;

use super::*;
use crate::runbook::Runbook;

/// Put together here, so that no scanner of this repository takes it for one.
fn samples() -> Vec<(&'static str, String, String)> {
    let long = "0123456789abcdefghij0123456789ABCDEFGHIJ";
    vec![
        ("aws-access-key", "key AKIA".to_owned() + "IOSFODNN7EXAMPLE end", "key [masked: aws-access-key] end".into()),
        ("github-token", format!("ghp_{}", &long[..36]), "[masked: github-token]".into()),
        ("slack-token", "xoxb-".to_owned() + "2049-abcdefghij", "[masked: slack-token]".into()),
        ("stripe-key", "sk_live_".to_owned() + &long[..24], "[masked: stripe-key]".into()),
        ("bearer", format!("Authorization: Bearer {}", &long[..30]), "Authorization: Bearer [masked: bearer]".into()),
        (
            "password-in-url",
            "postgres://andon:hunter22@db/x".into(),
            "postgres://andon:[masked: password-in-url]@db/x".into(),
        ),
        ("named-secret", r#"{"api_key": "abcdef123"}"#.into(), r#"{"api_key": "[masked: named-secret]"}"#.into()),
        (
            "private-key",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\nafter.".into(),
            // The line after it is of the same letters; better too much than too little.
            "[masked: private-key].".into(),
        ),
    ]
}

/// EVI.4: what looks like a secret is masked, and what surrounds it stays.
#[test]
fn secrets_are_masked_and_their_surroundings_stay() {
    let secrets = Runbook::shipped().secrets;
    for (id, text, masked) in samples() {
        assert!(secrets.are_in(&text), "{id}");
        assert_eq!(secrets.mask(&text), masked, "{id}");
    }
    for plain in ["", "the password was reset", "secret: none", "sk-1", "a plain note about tokens", "é ü 漢字"] {
        assert_eq!(secrets.mask(plain), plain);
    }
}

/// EVI.4: a stream is masked like a text, wherever its pieces are cut, and never grows in memory.
#[test]
fn a_stream_is_masked_across_its_pieces() {
    let secrets = Runbook::shipped().secrets;
    let token = format!("ghp_{}", "k".repeat(36));
    for before in [0, 10, PIECE - OVERLAP - 20, PIECE - OVERLAP, PIECE - 20, PIECE - 1, PIECE, 3 * PIECE - 7] {
        let text = format!("{} {token} {}", " .".repeat(before / 2), "-".repeat(PIECE));
        let mut masked = Vec::new();
        let count = secrets.mask_stream(text.as_bytes(), &mut masked).unwrap();
        assert_eq!(count, 1, "{before}");
        assert!(masked == secrets.mask(&text).into_bytes(), "{before}");
    }
}

/// GOV.1: a pattern that does not fit is named with its line.
#[test]
fn a_pattern_that_does_not_fit_is_named() {
    let with = |text: &str| Runbook::from_texts(&BTreeMap::from([(FILE.to_owned(), text.to_owned())]));
    let one = |id: &str, pattern: &str| format!("[[secret]]\nid = \"{id}\"\npattern = '{pattern}'\n");
    assert!(with("").is_ok() && with(&one("a", "x{3}")).is_ok());
    for (text, line, says) in [
        (one("a", "(x"), 1, "pattern"),
        (one("a", "x*"), 1, "everywhere"),
        (one("A b", "x"), 1, "short name"),
        (format!("{}{}", one("a", "x"), one("a", "y")), 4, "two secrets"),
        (one("a", "x").replace("pattern", "patern"), 3, "did you mean pattern?"),
        (one("a", &"x".repeat(LONGEST + 1)), 1, "longer"),
    ] {
        let error = with(&text).unwrap_err();
        assert!(error.what.contains(says), "{error}");
        assert_eq!(error.line, Some(line), "{error}");
    }
}

proptest::proptest! {
    /// EVI.4: masking leaves no secret, and a text and a stream agree.
    #[test]
    fn nothing_is_left_after_masking(before in ".{0,40}", after in ".{0,40}", which in 0usize..8) {
        let secrets = Runbook::shipped().secrets;
        let (_, text, _) = samples().remove(which);
        let whole = format!("{before} {text} {after}");
        let masked = secrets.mask(&whole);
        let mut streamed = Vec::new();
        secrets.mask_stream(whole.as_bytes(), &mut streamed).unwrap();
        proptest::prop_assert!(masked.contains("[masked: "));
        proptest::prop_assert_eq!(masked.as_bytes(), &streamed[..]);
    }
}
