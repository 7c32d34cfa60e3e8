//! What an edit may hold: text put in and taken out of a draft's fields, and nothing else.
//!
//! The update format could carry nested values, formats and whole documents, whose decoding is as deep as their sender likes.
//! None of it belongs in a draft, so an edit is read through here before the library sees it.

use std::collections::BTreeSet;

use yrs::encoding::read::{Cursor, Read};

use super::Unreadable;
use crate::incident::Fields;

/// Kinds of block, as the format numbers them.
const COLLECTED: u8 = 0;
const DELETED: u8 = 1;
const STRING: u8 = 4;
/// What a block's first byte says beside its kind.
const KIND: u8 = 0b1_1111;
const OF_A_MAP: u8 = 0b10_0000;
const HAS_RIGHT: u8 = 0b100_0000;
const HAS_LEFT: u8 = 0b1000_0000;
/// Most that one writer ever writes, in UTF-16 units: no sum of two of them overflows.
const MOST: u32 = 1 << 30;
/// Writers are numbered with 53 bits.
pub(super) const WRITERS: u64 = 1 << 53;

type Read_<T> = Result<T, Unreadable>;

/// Whether the bytes are an edit of text.
pub(super) fn is_text_only(bytes: &[u8]) -> Read_<()> {
    let mut from = Cursor::new(bytes);
    let mut writers = BTreeSet::new();
    for _ in 0..number(&mut from)? {
        let blocks = number(&mut from)?;
        // The library counts on each writer's blocks following one another.
        if !writers.insert(writer(&mut from)?) {
            return Err(Unreadable::Form("a writer is in it twice"));
        }
        let mut clock = number(&mut from)?;
        for _ in 0..blocks {
            clock = within(clock + block(&mut from)?)?;
        }
    }
    for _ in 0..number(&mut from)? {
        writer(&mut from)?;
        for _ in 0..number(&mut from)? {
            within(number(&mut from)? + number(&mut from)?)?;
        }
    }
    if from.has_content() {
        return Err(Unreadable::Form("something follows its end"));
    }
    Ok(())
}

/// Reads a block; answers how long it is.
fn block(from: &mut Cursor<'_>) -> Read_<u32> {
    let info = from.read_u8().map_err(|_| Unreadable::Form("it is cut short"))?;
    if info == COLLECTED {
        return some(number(from)?);
    }
    for side in [HAS_LEFT, HAS_RIGHT] {
        if info & side != 0 {
            writer(from)?;
            number(from)?;
        }
    }
    if info & (HAS_LEFT | HAS_RIGHT) == 0 {
        if number(from)? != 1 {
            return Err(Unreadable::Form("it writes in something that is no field"));
        }
        let name = text(from)?;
        if !Fields::ALL.contains(&name) {
            return Err(Unreadable::Form("it writes in something that is no field"));
        }
    }
    match info & (KIND | OF_A_MAP) {
        DELETED => some(number(from)?),
        STRING => some(u32::try_from(text(from)?.encode_utf16().count()).unwrap_or(MOST)),
        _ => Err(Unreadable::Form("it holds something else than text")),
    }
}

fn some(length: u32) -> Read_<u32> {
    if length == 0 { Err(Unreadable::Form("a block of it is empty")) } else { within(length) }
}

fn within(number: u32) -> Read_<u32> {
    if number > MOST { Err(Unreadable::Form("a number in it is too high")) } else { Ok(number) }
}

fn number(from: &mut Cursor<'_>) -> Read_<u32> {
    let number: u64 = from.read_var().map_err(|_| Unreadable::Form("it is cut short"))?;
    within(u32::try_from(number).unwrap_or(u32::MAX))
}

fn writer(from: &mut Cursor<'_>) -> Read_<u64> {
    let number: u64 = from.read_var().map_err(|_| Unreadable::Form("it is cut short"))?;
    if number >= WRITERS { Err(Unreadable::Form("it has a writer of no number")) } else { Ok(number) }
}

fn text<'c>(from: &'c mut Cursor<'_>) -> Read_<&'c str> {
    from.read_string().map_err(|_| Unreadable::Form("a text in it is cut short or not UTF-8"))
}
