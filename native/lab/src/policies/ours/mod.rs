//! Ostraka's own policy: `structure` (what the engine does), `sketch`, `adaptive` (how a mode is chosen), and here the
//! modes themselves and a notation for others, so that what was tried can be tried again.

pub mod adaptive;
pub mod sketch;
pub mod structure;

use adaptive::Tuning;
use structure::Mode;

const fn by_count(small_share: f64, ghost: bool) -> Mode {
    Mode { small_share, promote_at: 2, ghost, duel: Some(2), density: None }
}

/// Neither side at a loss: the start, while nothing is known.
pub const BALANCED: Mode = by_count(0.30, false);
/// Loops and skew: what has proven itself stays.
pub const FREQUENCY: Mode = by_count(0.01, false);
/// Reuse soon after eviction is believed at once.
pub const RECENCY: Mode = by_count(0.20, true);
/// Everything to main with one chance more: LRU's floor.
pub const CLOCK: Mode = by_count(0.0, false);
/// Scans with reuse: little room for the new, ghosts believed.
pub const SCAN: Mode = by_count(0.05, true);
/// Where sizes differ: frequency per byte.
pub const LIGHT: Mode = Mode { small_share: 0.05, promote_at: 2, ghost: false, duel: None, density: Some(0.30) };

pub const NAMED: [(&str, Mode); 6] = [
    ("balanced", BALANCED),
    ("frequency", FREQUENCY),
    ("recency", RECENCY),
    ("clock", CLOCK),
    ("scan", SCAN),
    ("light", LIGHT),
];

/// The tournament where every object counts the same.
pub fn equal_sizes() -> Tuning {
    Tuning {
        modes: vec![BALANCED, FREQUENCY, RECENCY, CLOCK, SCAN],
        mini_entries: 128.0,
        mini_root: 4.0,
        sample_at_most: 64.0,
        errors: 1.4,
        floor_errors: 1.4,
        horizon: 24.0,
        block: 0.5,
    }
}

/// The tournament where sizes differ: frequency per byte against the floor.
pub fn differing_sizes() -> Tuning {
    Tuning { modes: vec![LIGHT, CLOCK], errors: 2.0, floor_errors: 2.0, ..equal_sizes() }
}

/// One mode: a name of `NAMED`, or parts joined by dots: `s10` small of 10 %, `p2` promote at 2, `g` ghosts believed,
/// `d2` duel with margin 2, `z30` by worth per byte keeping 30 %.
pub fn parse_mode(text: &str) -> Option<Mode> {
    if let Some((_, mode)) = NAMED.iter().find(|(name, _)| *name == text) {
        return Some(*mode);
    }
    let mut mode = Mode { small_share: 0.1, promote_at: 200, ghost: false, duel: None, density: None };
    for part in text.split('.') {
        let mut letters = part.chars();
        let letter = letters.next()?;
        let rest = letters.as_str();
        match letter {
            's' => mode.small_share = rest.parse::<f64>().ok()? / 100.0,
            'p' => mode.promote_at = rest.parse().ok()?,
            'g' => mode.ghost = true,
            'd' => mode.duel = Some(rest.parse().ok()?),
            'z' => mode.density = Some(rest.parse::<f64>().ok()? / 100.0),
            _ => return None,
        }
    }
    Some(mode)
}

/// A tournament: modes joined by `/`, then settings as `:name=value` (mini, root, most, errors, horizon, block).
pub fn parse_tuning(text: &str) -> Option<Tuning> {
    let mut parts = text.split(':');
    let modes = parts.next()?.split('/').map(parse_mode).collect::<Option<Vec<_>>>()?;
    let mut tuning = Tuning { modes, ..equal_sizes() };
    for part in parts {
        let (name, value) = part.split_once('=')?;
        let number: f64 = value.parse().ok()?;
        match name {
            "mini" => tuning.mini_entries = number,
            "root" => tuning.mini_root = number,
            "most" => tuning.sample_at_most = number,
            "errors" => {
                tuning.errors = number;
                tuning.floor_errors = number;
            }
            "floor" => tuning.floor_errors = number,
            "horizon" => tuning.horizon = number,
            "block" => tuning.block = number,
            _ => return None,
        }
    }
    Some(tuning)
}
