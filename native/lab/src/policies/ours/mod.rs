//! Ostraka's own policy.

pub mod adaptive;
pub mod sketch;
pub mod structure;

use structure::Mode;

/// Parses `s10.2g` style names: share, promote threshold (x: never), g: ghost, dN: duel margin, cN: main saturates at N, f: flush.
pub fn parse(name: &str) -> Option<(Mode, bool)> {
    let mut mode = Mode { small_share: 0.1, promote_at: 200, ghost: false, duel: None, main_max: 3 };
    let mut flush = false;
    for part in name.split('.') {
        let (letter, rest) = part.split_at(1);
        match letter {
            "s" => mode.small_share = rest.parse::<f64>().ok()? / 100.0,
            "p" => mode.promote_at = rest.parse().ok()?,
            "g" => mode.ghost = true,
            "d" => mode.duel = Some(rest.parse().ok()?),
            "c" => mode.main_max = rest.parse().ok()?,
            "f" => flush = true,
            _ => return None,
        }
    }
    Some((mode, flush))
}

/// `t:mode/mode/…:first=0:mini=128:errors=2:horizon=8:gain=0.0`
pub fn parse_tuning(text: &str) -> Option<adaptive::Tuning> {
    let mut parts = text.split(':');
    let modes = parts.next()?.split('/').map(|m| parse(m).map(|p| p.0)).collect::<Option<Vec<_>>>()?;
    let mut tuning = adaptive::Tuning {
        modes,
        first: 0,
        mini_entries: 128,
        sample_at_most: 64,
        errors: 2.0,
        horizon: 24.0,
        least_gain: 0.0,
        block: 0.25,
        floor_ease: 1.0,
        least_lead: 0.0,
        kappa: 0.0, root: 0.0,
    };
    for part in parts {
        let (name, value) = part.split_once('=')?;
        let number: f64 = value.parse().ok()?;
        match name {
            "first" => tuning.first = number as usize,
            "mini" => tuning.mini_entries = number as u64,
            "most" => tuning.sample_at_most = number as u64,
            "errors" => tuning.errors = number,
            "horizon" => tuning.horizon = number,
            "block" => tuning.block = number,
            "ease" => tuning.floor_ease = number,
            "lead" => tuning.least_lead = number,
            "kappa" => tuning.kappa = number,
            "root" => tuning.root = number,
            "gain" => tuning.least_gain = number,
            _ => return None,
        }
    }
    Some(tuning)
}
