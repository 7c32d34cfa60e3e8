//! Copies that took the same edits read the same; nothing but text comes in; what one takes back is one's own.

use proptest::prelude::*;

use super::{Edit, Manuscript, Splice, Unreadable, edit_to, with};
use crate::{
    incident::{Draft, Fields},
    terms::{Author, DraftId, Time},
};

fn draft(body: &str) -> Draft {
    let fields = Fields { body: body.into(), impact: "41 refunds".into(), ..Fields::default() };
    Draft {
        id: DraftId(1),
        audience: "customer".into(),
        edits: vec![Manuscript::beginning(&fields)],
        fields,
        version: 1,
        authors: vec![Author::Person("dana".into())],
        edited_at: Time::default(),
        sent: Vec::new(),
    }
}

/// What somebody does: which of three, where, how much is taken out, what is put in, and whether the others hear it now.
type Stroke = (usize, usize, usize, String, bool);

fn stroke() -> impl Strategy<Value = Stroke> {
    (0usize..3, any::<usize>(), 0usize..6, "[a-zöß日🜁\n]{0,6}", any::<bool>())
}

fn near(text: &str, at: usize) -> usize {
    let at = at % (text.len() + 1);
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

proptest! {
    /// COM.5, law 3: three people write at once, hear one another early, late, twice and in any order, and end equal; what the
    /// log tells in plain text is the same again.
    #[test]
    fn all_end_equal(strokes in prop::collection::vec(stroke(), 1..40), turn in any::<u64>()) {
        let mut there = draft("Some refunds were paid twice.");
        let copies: Vec<Manuscript> = (2..5).map(|writer| Manuscript::of(&there, writer).unwrap()).collect();
        let mut log = there.fields.clone();
        let mut edits = Vec::new();
        for (who, at, cut, put, heard) in strokes {
            let mine = &copies[who];
            let mut text = mine.get("body");
            let from = near(&text, at);
            let to = near(&text, (from + cut).min(text.len())).max(from);
            text.replace_range(from..to, &put);
            mine.write("body", &text);
            if heard && let Some(edit) = mine.beyond(&Manuscript::of(&there, 1).unwrap()) {
                let splices = Splice::all(&there.fields, &with(&there, &edit).unwrap().fields());
                splices.iter().for_each(|splice| splice.apply(&mut log));
                there.fields = log.clone();
                there.edits.push(edit.clone());
                edits.push(edit);
            }
        }
        for (who, mine) in copies.iter().enumerate() {
            let mut order: Vec<usize> = (0..edits.len()).collect();
            let by = (turn as usize + who) % edits.len().max(1);
            let by = by.min(order.len());
            order.rotate_left(by);
            // An edit that builds on one to come counts as soon as that came.
            order.iter().chain(&order).for_each(|at| drop(mine.take(&edits[*at])));
        }
        for mine in &copies {
            if let Some(edit) = mine.beyond(&Manuscript::of(&there, 1).unwrap()) {
                let splices = Splice::all(&there.fields, &with(&there, &edit).unwrap().fields());
                splices.iter().for_each(|splice| splice.apply(&mut there.fields));
                there.edits.push(edit);
            }
        }
        let end = Manuscript::of(&there, 9).unwrap();
        prop_assert_eq!(end.fields(), there.fields.clone());
        for mine in &copies {
            there.edits.iter().for_each(|edit| mine.take(edit).unwrap());
            prop_assert_eq!(mine.fields(), end.fields());
        }
        let mut whole = there.clone();
        whole.edits = vec![end.whole()];
        prop_assert_eq!(Manuscript::of(&whole, 9).unwrap().fields(), end.fields());
    }

    /// The shortest change makes one text of the other, on whole characters, and knows where a cursor goes.
    #[test]
    fn a_splice_makes_one_of_the_other(before in "[aö日]{0,12}", after in "[aö日]{0,12}", at in any::<usize>()) {
        let fields = |body: &str| Fields { body: body.into(), ..Fields::default() };
        let splices = Splice::all(&fields(&before), &fields(&after));
        let mut text = fields(&before);
        splices.iter().for_each(|splice| splice.apply(&mut text));
        prop_assert_eq!(&text.body, &after);
        if let [splice] = &splices[..] {
            prop_assert!(after.is_char_boundary(splice.moved(near(&before, at))));
        }
    }

    /// No bytes bring more than a refusal: garbage, and edits in which bytes were changed, cut off and put in.
    #[test]
    fn bad_bytes_are_refused(
        garbage in prop::collection::vec(any::<u8>(), 0..64),
        at in any::<usize>(),
        by in 1u8..,
        cut in 0usize..9,
    ) {
        let there = draft("Some refunds were paid twice.");
        drop(Edit::new(garbage.clone()).map(|edit| with(&there, &edit)));
        let fields = Fields { body: "Some were paid thrice, sorry.".into(), owner: "lee".into(), ..there.fields.clone() };
        let good = edit_to(&there, 7, &fields).unwrap().unwrap();
        let mut bytes = good.bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] = bytes[at].wrapping_add(by);
        drop(Edit::new(bytes.clone()).map(|edit| with(&there, &edit)));
        bytes.splice(at..(at + cut).min(bytes.len()), garbage);
        drop(Edit::new(bytes).map(|edit| with(&there, &edit)));
        prop_assert_eq!(with(&there, &good).unwrap().fields(), fields);
    }
}

/// What builds on something that is not here is refused: it would count at some later moment, unseen.
#[test]
fn an_edit_that_comes_too_early_is_refused() {
    let there = draft("one");
    let mine = Manuscript::of(&there, 5).unwrap();
    mine.write("body", "one two");
    let mut between = there.clone();
    between.edits.push(mine.beyond(&Manuscript::of(&there, 1).unwrap()).unwrap());
    mine.write("body", "one two three");
    let late = mine.beyond(&Manuscript::of(&between, 1).unwrap()).unwrap();
    assert_eq!(with(&there, &late).map(drop).unwrap_err(), Unreadable::Early);
    assert_eq!(with(&between, &late).unwrap().get("body"), "one two three");
}

/// An edit of another kind of document, or of a field that no draft has, is refused before the library reads it.
#[test]
fn only_text_of_fields_comes_in() {
    use yrs::{Any, Array, Doc, Map, ReadTxn, StateVector, Text, Transact};
    let of = |write: &dyn Fn(&Doc)| {
        let doc = Doc::with_client_id(7);
        write(&doc);
        let bytes = doc.transact().encode_diff_v1(&StateVector::default());
        Edit::new(bytes).map(drop)
    };
    let deep = (0..100).fold(Any::Null, |inner, _| Any::Array(vec![inner].into()));
    assert!(of(&|doc| doc.get_or_insert_text("body").insert(&mut doc.transact_mut(), 0, "fine")).is_ok());
    for wrong in [
        of(&|doc| doc.get_or_insert_text("salary").insert(&mut doc.transact_mut(), 0, "x")),
        of(&|doc| {
            doc.get_or_insert_array("body").insert(&mut doc.transact_mut(), 0, deep.clone());
        }),
        of(&|doc| {
            doc.get_or_insert_map("body").insert(&mut doc.transact_mut(), "key", "x");
        }),
        of(&|doc| {
            doc.get_or_insert_text("body").insert_embed(&mut doc.transact_mut(), 0, deep.clone());
        }),
    ] {
        assert!(matches!(wrong, Err(Unreadable::Form(_))), "{wrong:?}");
    }
    assert_eq!(Edit::new(vec![255, 255, 255, 255, 127]).map(drop), Err(Unreadable::Form("a number in it is too high")));
    assert!(serde_json::from_str::<Edit>("\"###\"").is_err());
}

/// What is taken back is what was written here last; what others wrote stays. A place stays in its text.
#[test]
fn each_takes_back_their_own() {
    let there = draft("paid twice");
    let (mut mine, theirs) = (Manuscript::of(&there, 5).unwrap(), Manuscript::of(&there, 6).unwrap());
    mine.write("body", "41 paid twice");
    mine.pause();
    mine.write("body", "41 paid twice, sorry");
    let place = mine.place("body", "41 paid".len()).unwrap();
    let text = serde_json::to_string(&place).unwrap();
    assert!(serde_json::from_str::<super::Place>(&format!("\"{}\"", "A".repeat(4_000))).is_err(), "a place is short");
    theirs.write("body", "Refunds paid twice");
    mine.take(&theirs.beyond(&Manuscript::of(&there, 1).unwrap()).unwrap()).unwrap();
    let both = mine.get("body");
    assert!(both.contains("Refunds") && both.contains("41") && both.ends_with(", sorry"), "{both}");
    let found = mine.find("body", &serde_json::from_str(&text).unwrap()).unwrap();
    assert!(both[..found].ends_with(" paid"), "{both} at {found}");
    assert!(mine.undo() && mine.undo() && !mine.undo());
    assert_eq!(mine.get("body"), "Refunds paid twice");
    assert!(mine.redo());
    assert!(mine.get("body").contains("41"));
}

/// COM.5: an edit in which a writer's blocks come twice is refused: merging it would count below nothing.
#[test]
fn a_writer_is_in_an_edit_once() {
    let twice = b"\x04\x00\x00\x19\x01\x00\x07\x005\x01\x00\x00\x00\xff\xff\x01\x01jAA\xf6A9\xff\xff/\x00";
    assert_eq!(Edit::new(twice.to_vec()), Err(Unreadable::Form("a writer is in it twice")));
}
