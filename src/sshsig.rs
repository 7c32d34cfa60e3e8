//! SSH signatures (SSHSIG) as text, by plain keys and by certificates; what `ssh-keygen -Y` reads and writes.

use base64::{Engine, engine::general_purpose::STANDARD};
use ssh_key::{Certificate, LineEnding, PublicKey, SshSig};

/// Largest signature that is read, in bytes; an RSA certificate has some thousands.
const LARGEST: usize = 64 << 10;
/// What every signature begins with: its magic and its version.
const HEAD: &[u8] = b"SSHSIG\0\0\0\x01";

/// Reads an armoured signature: the signature itself, and the certificate where one stands in the place of the key.
pub fn read(pem: &str) -> Option<(SshSig, Option<Certificate>)> {
    if pem.len() > LARGEST {
        return None;
    }
    if let Ok(signature) = SshSig::from_pem(pem.trim()) {
        return Some((signature, None));
    }
    let (key, rest) = parts(pem)?;
    let certificate = Certificate::from_bytes(&key).ok()?;
    let plain = PublicKey::from(certificate.public_key().clone()).to_bytes().ok()?;
    Some((SshSig::from_pem(armoured(&plain, &rest)?).ok()?, Some(certificate)))
}

/// Writes a signature, with its certificate in the place of the key.
pub fn write(signature: &SshSig, certificate: Option<&Certificate>) -> Option<String> {
    let pem = signature.to_pem(LineEnding::LF).ok()?;
    let Some(certificate) = certificate else { return Some(pem) };
    let (_, rest) = parts(&pem)?;
    armoured(&certificate.to_bytes().ok()?, &rest)
}

/// The key's field, and everything after it.
fn parts(pem: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).flat_map(str::chars).collect();
    let blob = STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?;
    let (length, rest) = blob.strip_prefix(HEAD)?.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some((key.to_vec(), rest.to_vec()))
}

fn armoured(key: &[u8], rest: &[u8]) -> Option<String> {
    let length = u32::try_from(key.len()).ok()?.to_be_bytes();
    let body = STANDARD.encode([HEAD, &length, key, rest].concat());
    let lines: Vec<&str> = body.as_bytes().chunks(70).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    Some(format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_bytes_read_or_are_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let pem = armoured(&bytes, &bytes).unwrap();
            proptest::prop_assert!(read(&pem).is_none());
            let _ = read(&String::from_utf8_lossy(&bytes));
        }
    }
}
