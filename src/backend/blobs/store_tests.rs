use futures_util::stream;

use super::*;
use crate::runbook::Runbook;

fn pieces(texts: &[&'static str]) -> impl Stream<Item = Result<Bytes, io::Error>> + use<> {
    stream::iter(texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect::<Vec<_>>())
}

async fn read(blobs: &Blobs, digest: &str, secrets: Option<Secrets>) -> io::Result<String> {
    let reading = blobs.open(&digest.parse().unwrap()).unwrap();
    let mut pieces = std::pin::pin!(reading.stream(secrets));
    let mut text = Vec::new();
    while let Some(piece) = pieces.next().await {
        text.extend_from_slice(&piece?);
    }
    Ok(String::from_utf8(text).unwrap())
}

/// EVI.3: content-addressed: the same content twice is one blob, read back as it was; a digest that is none is refused.
#[tokio::test]
async fn content_is_its_own_address() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::in_folder(folder.path().join("blobs"));
    let one = blobs.put(pieces(&["api_key=", "abcdef123", "\n"])).await.unwrap();
    let two = blobs.put(pieces(&["api_key=abcdef123\n"])).await.unwrap();
    assert_eq!(one, two);
    assert_eq!((one.bytes, one.digest.len()), (18, 64));
    assert_eq!(read(&blobs, &one.digest, None).await.unwrap(), "api_key=abcdef123\n");
    let masked = read(&blobs, &one.digest, Some(Runbook::shipped().secrets)).await.unwrap();
    assert_eq!(masked, "api_key=[masked: named-secret]\n");
    let empty = blobs.put(pieces(&[])).await.unwrap();
    assert_eq!(read(&blobs, &empty.digest, None).await.unwrap(), "");
    for wrong in ["", "../../etc/passwd", &one.digest[1..], &one.digest.to_uppercase()] {
        assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
    }
    let unknown = "0".repeat(64).parse().unwrap();
    assert!(matches!(blobs.open(&unknown), Err(BlobError::Unknown(_))));
}

/// EVI.3: what broke off leaves nothing, and what a killed backend left half received is dropped.
#[tokio::test]
async fn a_half_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("blobs");
    let blobs = Blobs::in_folder(place.clone());
    let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(io::Error::other("gone"))]);
    assert!(matches!(blobs.put(broken).await, Err(BlobError::BrokenOff(4))));
    assert_eq!(fs::read_dir(place.join("incoming")).unwrap().count(), 0);
    fs::write(place.join("incoming/left"), "x").unwrap();
    Blobs::in_folder(place.clone());
    assert!(!place.join("incoming").exists());
}

/// EVI.4: content that was changed on the disk is told when it is read, masked or not; sent anew, it is mended.
#[tokio::test]
async fn what_was_changed_on_the_disk_is_told_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::in_folder(folder.path().join("blobs"));
    let kept = blobs.put(pieces(&["the real thing"])).await.unwrap();
    let digest: Digest = kept.digest.parse().unwrap();
    fs::write(blobs.place(&digest), "the fake thing").unwrap();
    for secrets in [None, Some(Runbook::shipped().secrets)] {
        let why = read(&blobs, &kept.digest, secrets).await.unwrap_err();
        assert!(why.to_string().contains("was changed on the disk"), "{why}");
    }
    blobs.put(pieces(&["the real thing"])).await.unwrap();
    assert_eq!(read(&blobs, &kept.digest, None).await.unwrap(), "the real thing");
}
