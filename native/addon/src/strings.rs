//! JavaScript strings as bytes and back.
//!
//! Keys are WTF-8: Node-API's UTF-8 turns every lone surrogate into U+FFFD, which would make different keys equal, so
//! strings that contain U+FFFD afterwards are read again as UTF-16. Node-API's Latin-1 is no way out: it cuts characters
//! above U+00FF to their low byte without saying so.

use napi::sys;
use ostraka_core::record::kind;
use std::ptr;

/// Bytes of a string that most keys and small values fit into.
pub const SHORT: usize = 1024;

/// One huge string does not hold its size for good.
pub fn shrink(buffer: &mut Vec<u8>) {
    if buffer.len() > 1 << 20 {
        *buffer = vec![0; SHORT];
    }
}

const REPLACEMENT: [u8; 3] = [0xEF, 0xBF, 0xBD];

/// A string argument as UTF-8 in `buffer`, which grows to hold it. `None` when the argument is no string.
#[inline]
fn utf8(env: sys::napi_env, value: sys::napi_value, buffer: &mut Vec<u8>) -> Option<usize> {
    let mut length = 0;
    // SAFETY: the buffer has the capacity that is told; Node-API writes at most that, the closing zero included.
    let status =
        unsafe { sys::napi_get_value_string_utf8(env, value, buffer.as_mut_ptr().cast(), buffer.len(), &mut length) };
    if status != sys::Status::napi_ok {
        return None;
    }
    // A character is never cut, so up to three bytes and the closing zero may be unused where the string goes on.
    if length + 4 < buffer.len() {
        return Some(length);
    }
    utf8_long(env, value, buffer)
}

#[cold]
fn utf8_long(env: sys::napi_env, value: sys::napi_value, buffer: &mut Vec<u8>) -> Option<usize> {
    let mut length = 0;
    // SAFETY: a null buffer asks for the length.
    let status = unsafe { sys::napi_get_value_string_utf8(env, value, ptr::null_mut(), 0, &mut length) };
    if status != sys::Status::napi_ok {
        return None;
    }
    buffer.resize(buffer.len().max(length + 1), 0);
    // SAFETY: as above.
    let status =
        unsafe { sys::napi_get_value_string_utf8(env, value, buffer.as_mut_ptr().cast(), buffer.len(), &mut length) };
    (status == sys::Status::napi_ok).then_some(length)
}

fn utf16(env: sys::napi_env, value: sys::napi_value) -> Option<Vec<u16>> {
    let mut length = 0;
    // SAFETY: a null buffer asks for the length.
    let status = unsafe { sys::napi_get_value_string_utf16(env, value, ptr::null_mut(), 0, &mut length) };
    if status != sys::Status::napi_ok {
        return None;
    }
    let mut units = vec![0u16; length + 1];
    // SAFETY: the buffer holds the string and its closing zero.
    let status = unsafe { sys::napi_get_value_string_utf16(env, value, units.as_mut_ptr(), units.len(), &mut length) };
    units.truncate(length);
    (status == sys::Status::napi_ok).then_some(units)
}

fn may_be_lossy(bytes: &[u8]) -> bool {
    bytes.contains(&REPLACEMENT[0]) && bytes.windows(3).any(|window| window == REPLACEMENT)
}

/// A key as WTF-8 in `buffer`; its length.
#[inline]
pub fn key(env: sys::napi_env, value: sys::napi_value, buffer: &mut Vec<u8>) -> Option<usize> {
    let length = utf8(env, value, buffer)?;
    if !may_be_lossy(&buffer[..length]) {
        return Some(length);
    }
    let exact = wtf8(&utf16(env, value)?);
    buffer.resize(buffer.len().max(exact.len()), 0);
    buffer[..exact.len()].copy_from_slice(&exact);
    Some(exact.len())
}

/// A string value in `buffer`: its length and the kind it is kept as.
#[inline]
pub fn value(env: sys::napi_env, value: sys::napi_value, buffer: &mut Vec<u8>) -> Option<(usize, u32)> {
    let length = utf8(env, value, buffer)?;
    let bytes = &buffer[..length];
    if bytes.is_ascii() {
        return Some((length, kind::ASCII));
    }
    if !may_be_lossy(bytes) {
        return Some((length, kind::UTF8));
    }
    let units = utf16(env, value)?;
    buffer.resize(buffer.len().max(units.len() * 2), 0);
    for (pair, unit) in buffer.chunks_exact_mut(2).zip(&units) {
        pair.copy_from_slice(&unit.to_le_bytes());
    }
    Some((units.len() * 2, kind::UTF16))
}

fn wtf8(units: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(units.len() * 3);
    for character in char::decode_utf16(units.iter().copied()) {
        match character {
            Ok(character) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let unit = lone.unpaired_surrogate();
                bytes.extend_from_slice(&[
                    0xE0 | (unit >> 12) as u8,
                    0x80 | ((unit >> 6) & 0x3F) as u8,
                    0x80 | (unit & 0x3F) as u8,
                ]);
            }
        }
    }
    bytes
}

/// Key bytes as a JavaScript string, lone surrogates included.
pub fn key_to_js(env: sys::napi_env, key: &[u8]) -> sys::napi_value {
    if key.is_ascii() {
        return to_js(env, kind::ASCII, key);
    }
    if std::str::from_utf8(key).is_ok() {
        return to_js(env, kind::UTF8, key);
    }
    let units = units_of_wtf8(key);
    let mut value = ptr::null_mut();
    // SAFETY: `units` is valid for its length; V8 copies it.
    unsafe { sys::napi_create_string_utf16(env, units.as_ptr(), units.len() as isize, &mut value) };
    value
}

fn units_of_wtf8(bytes: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let length = match first {
            0..0x80 => 1,
            0x80..0xE0 => 2,
            0xE0..0xF0 => 3,
            _ => 4,
        };
        let (character, tail) = rest.split_at(length.min(rest.len()));
        match std::str::from_utf8(character) {
            Ok(text) => units.extend(text.encode_utf16()),
            Err(_) => {
                let byte = |at: usize| u16::from(character.get(at).copied().unwrap_or(0) & 0x3F);
                units.push((u16::from(first & 0xF) << 12) | (byte(1) << 6) | byte(2));
            }
        }
        rest = tail;
    }
    units
}

/// A string value as a JavaScript string; null when the kind is none of the strings'.
#[inline]
pub fn to_js(env: sys::napi_env, kind_of_value: u32, bytes: &[u8]) -> sys::napi_value {
    let mut value = ptr::null_mut();
    let length = bytes.len() as isize;
    // SAFETY: `bytes` is valid for its length; V8 copies it. UTF-16 is read from a copy where it is not aligned.
    unsafe {
        match kind_of_value {
            kind::ASCII => sys::napi_create_string_latin1(env, bytes.as_ptr().cast(), length, &mut value),
            kind::UTF8 => sys::napi_create_string_utf8(env, bytes.as_ptr().cast(), length, &mut value),
            kind::UTF16 => {
                let units: Vec<u16> =
                    bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
                sys::napi_create_string_utf16(env, units.as_ptr(), units.len() as isize, &mut value)
            }
            _ => return ptr::null_mut(),
        };
    }
    value
}

pub fn is_string(kind_of_value: u32) -> bool {
    matches!(kind_of_value, kind::ASCII | kind::UTF8 | kind::UTF16)
}
