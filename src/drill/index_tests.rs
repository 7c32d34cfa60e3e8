use proptest::prelude::*;

use super::*;
use crate::drill::{Harm, SHIPPED};

/// Everything that happens, read one after the other.
fn all(recording: &Recording) -> Vec<Moment> {
    (0..recording.len()).filter_map(|number| recording.moment(number)).map(|moment| moment.into_owned()).collect()
}

#[track_caller]
fn same(text: &str) {
    let parsed = Recording::parse(text);
    let indexed = Recording::indexed(text.into());
    let (indexed, index) = match (parsed.clone(), indexed) {
        (Err(one), Err(other)) => return assert_eq!(one, other, "{text}"),
        (Ok(_), Ok(indexed)) => indexed,
        (one, other) => panic!("{one:?} is not {other:?}: {text}"),
    };
    let parsed = parsed.unwrap();
    let opened = Recording::with_index(text.into(), &index).unwrap();
    assert_eq!(opened, indexed, "opened again it is the same");
    assert_eq!(all(&indexed), all(&parsed), "{text}");
    assert_eq!((indexed.harm(), indexed.course()), (parsed.harm(), parsed.course()));
    assert_eq!((&indexed.history, &indexed.title, &indexed.agents), (&parsed.history, &parsed.title, &parsed.agents));
    for at in [i64::MIN / 2, 0, 1, 60_000, i64::MAX / 2] {
        let when = parsed.starts.plus(at);
        assert_eq!(indexed.first_from(when), parsed.first_from(when));
    }
    assert!(Recording::with_index(format!("{text}\n").into(), &index).is_none(), "an index is of one text");
}

/// DRL.1: an indexed recording is the same recording, in the same order; so is one that is opened by its index.
#[test]
fn a_shipped_recording_indexed_is_the_same() {
    SHIPPED.iter().for_each(|(_, text)| same(text));
    same("");
    same("{");
    let one = "{\"agent\":\"a\",\"tool\":\"x\",\"at\":\"2026-03-02T14:00:01Z\"}";
    same(one);
    same(&format!("\u{feff}\r\n  {one}\r\n\r\n{one}"));
    let header = "{\"andon_recording\":1,\"title\":\"T\",\"starts\":\"2026-03-02T14:00:00Z\",\"conduct\":{\"a\":{\"ignores_stop\":true}}}";
    same(&format!("{header}\n{one}"));
    same(&format!("{header}\n{}", one.replace("\"a\"", "\"b\"")));
    same(&format!(
        "{one}\n{}",
        "{\"mark\":\"report\",\"at\":\"2026-03-02T14:00:01Z\",\"text\":\"\\\"andon_recording\\\"\"}"
    ));
}

fn line() -> impl Strategy<Value = String> {
    let at = |second: i64| format!("\"at\":\"2026-03-02T14:00:{second:02}Z\"");
    prop_oneof![
        6 => (0i64..30, 0usize..3).prop_map(move |(second, tool)| format!("{{\"agent\":\"a\",\"tool\":\"t{tool}\",{}}}", at(second))),
        2 => (0i64..30, 1u64..5).prop_map(move |(second, people)| {
            format!("{{\"agent\":\"b\",\"tool\":\"t\",{},\"harm\":{{\"people\":{people}}}}}", at(second))
        }),
        1 => (0i64..30).prop_map(move |second| format!("{{\"mark\":\"report\",{},\"text\":\"{second}\"}}", at(second))),
        1 => (0i64..30, 1u32..4).prop_map(move |(second, times)| {
            format!("{{\"repeat\":{{\"times\":{times},\"every_s\":1}},\"action\":{{\"agent\":\"c\",\"tool\":\"t{{n}}\",{}}}}}", at(second))
        }),
        1 => Just(String::new()),
    ]
}

proptest! {
    /// DRL.1: whatever is in it, in whatever order, with or without a header: nothing is lost, nothing changes place.
    #[test]
    fn an_indexed_recording_keeps_its_order(lines in proptest::collection::vec(line(), 0..40), starts in proptest::option::of(0i64..20)) {
        let header = starts.map(|second| {
            format!("{{\"andon_recording\":1,\"title\":\"T\",\"starts\":\"2026-03-02T14:00:{second:02}Z\"}}")
        });
        same(&header.into_iter().chain(lines).collect::<Vec<_>>().join("\n"));
    }

    /// An index that was cut or changed is refused, or opens something; it never panics.
    #[test]
    fn a_broken_index_opens_nothing(cut in 0usize..400, at in 0usize..400, bits in any::<u8>()) {
        let text: Arc<str> = SHIPPED[0].1.into();
        let (_, mut index) = Recording::indexed(text.clone()).unwrap();
        prop_assert!(Recording::with_index(text.clone(), &index[..cut.min(index.len() - 1)]).is_none());
        let place = at % index.len();
        index[place] ^= bits;
        if let Some(recording) = Recording::with_index(text, &index) {
            all(&recording).iter().for_each(|moment| assert!(moment.harm.excess().is_none() || moment.harm != Harm::NONE));
        }
    }
}
