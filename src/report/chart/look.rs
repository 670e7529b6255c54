//! How each outcome looks in every picture: a colour for its family, and a symbol of its own. No other module defines
//! a look.

use crate::classify::Outcome;

/// Outcomes that share a colour, because one looks for their cause in the same part of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// The target refused the connection, or closed it.
    Connection,
    /// Somebody waited for too long.
    Timeout,
    /// The target itself answered with an error, or with an answer that the load balancer does not accept.
    Answer,
    /// There was no target to send the request to, or none that could take it.
    NoTarget,
    /// The client left.
    Client,
    /// The load balancer itself, or a rule of its listener.
    LoadBalancer,
}

/// A colour, and its index in the palette of 256 colours that terminals have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// 0 to 255.
    pub red: u8,
    /// 0 to 255.
    pub green: u8,
    /// 0 to 255.
    pub blue: u8,
    /// Index in the palette.
    pub terminal: u8,
}

impl Colour {
    /// `#d75f00`
    #[must_use]
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Connection, Self::Timeout, Self::Answer, Self::NoTarget, Self::Client, Self::LoadBalancer];

    /// For people: what its outcomes have in common.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Connection => "the target refused or closed the connection",
            Self::Timeout => "a timeout expired",
            Self::Answer => "the target's own errors, and answers that the load balancer rejects",
            Self::NoTarget => "no target could take the request",
            Self::Client => "the client left",
            Self::LoadBalancer => "the load balancer itself, or a rule",
        }
    }

    /// The colour, for dark and for light backgrounds: a terminal does not say which it has. Its contrast to black
    /// and to white is at least 3:1, and people with a colour vision deficiency can distinguish the colours.
    #[must_use]
    pub fn colour(self) -> Colour {
        let (red, green, blue, terminal) = match self {
            Self::Connection => (0xd7, 0x5f, 0x00, 166),
            Self::Timeout => (0x00, 0x87, 0xd7, 32),
            Self::Answer => (0xaf, 0x00, 0xff, 129),
            Self::NoTarget => (0xaf, 0x87, 0x5f, 137),
            Self::Client => (0xd7, 0x5f, 0xaf, 169),
            Self::LoadBalancer => (0x80, 0x80, 0x80, 244),
        };
        Colour { red, green, blue, terminal }
    }
}

/// How an outcome looks.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Its family, which decides its colour.
    pub family: Family,
    /// Its symbol in a terminal; one column wide.
    pub symbol: char,
    /// Its symbol if only ASCII is allowed.
    pub ascii: char,
    /// Its shape in an image file and in a browser: the corners around the centre, as (right, down), each within
    /// ±1.2.
    pub corners: &'static [[f32; 2]],
    /// Whether the shape is only an outline.
    pub is_hollow: bool,
}

/// Nearly round.
const DISC: &[[f32; 2]] = &[
    [1.0, 0.0],
    [0.87, 0.5],
    [0.5, 0.87],
    [0.0, 1.0],
    [-0.5, 0.87],
    [-0.87, 0.5],
    [-1.0, 0.0],
    [-0.87, -0.5],
    [-0.5, -0.87],
    [0.0, -1.0],
    [0.5, -0.87],
    [0.87, -0.5],
];
const LEFT_HALF: &[[f32; 2]] =
    &[[0.3, -1.1], [0.3, 1.1], [-0.25, 0.96], [-0.66, 0.55], [-0.8, 0.0], [-0.66, -0.55], [-0.25, -0.96]];
const RIGHT_HALF: &[[f32; 2]] =
    &[[-0.3, -1.1], [-0.3, 1.1], [0.25, 0.96], [0.66, 0.55], [0.8, 0.0], [0.66, -0.55], [0.25, -0.96]];
const UP: &[[f32; 2]] = &[[0.0, -1.1], [1.05, 0.8], [-1.05, 0.8]];
const DOWN: &[[f32; 2]] = &[[-1.05, -0.8], [1.05, -0.8], [0.0, 1.1]];
const LEFT: &[[f32; 2]] = &[[-1.1, 0.0], [0.8, -1.05], [0.8, 1.05]];
const RIGHT: &[[f32; 2]] = &[[1.1, 0.0], [-0.8, 1.05], [-0.8, -1.05]];
const SQUARE: &[[f32; 2]] = &[[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]];
const UPRIGHT_BAR: &[[f32; 2]] = &[[-0.42, -1.1], [0.42, -1.1], [0.42, 1.1], [-0.42, 1.1]];
const FLAT_BAR: &[[f32; 2]] = &[[-1.1, -0.42], [1.1, -0.42], [1.1, 0.42], [-1.1, 0.42]];
const DIAMOND: &[[f32; 2]] = &[[0.0, -1.2], [1.0, 0.0], [0.0, 1.2], [-1.0, 0.0]];
const PLUS: &[[f32; 2]] = &[
    [-0.35, -1.0],
    [0.35, -1.0],
    [0.35, -0.35],
    [1.0, -0.35],
    [1.0, 0.35],
    [0.35, 0.35],
    [0.35, 1.0],
    [-0.35, 1.0],
    [-0.35, 0.35],
    [-1.0, 0.35],
    [-1.0, -0.35],
    [-0.35, -0.35],
];
const CROSS: &[[f32; 2]] = &[
    [0.0, -0.45],
    [0.55, -1.0],
    [1.0, -0.55],
    [0.45, 0.0],
    [1.0, 0.55],
    [0.55, 1.0],
    [0.0, 0.45],
    [-0.55, 1.0],
    [-1.0, 0.55],
    [-0.45, 0.0],
    [-1.0, -0.55],
    [-0.55, -1.0],
];
const STAR: &[[f32; 2]] = &[
    [0.0, -1.2],
    [0.3, -0.4],
    [1.14, -0.37],
    [0.48, 0.15],
    [0.7, 0.97],
    [0.0, 0.5],
    [-0.7, 0.97],
    [-0.48, 0.15],
    [-1.14, -0.37],
    [-0.3, -0.4],
];
const HOUSE: &[[f32; 2]] = &[[0.0, -1.1], [0.95, -0.1], [0.95, 0.9], [-0.95, 0.9], [-0.95, -0.1]];
const LOWER_CORNER: &[[f32; 2]] = &[[-0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]];
const UPPER_CORNER: &[[f32; 2]] = &[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9]];
const ARROW: &[[f32; 2]] = &[[-0.9, -1.0], [0.1, -1.0], [1.0, 0.0], [0.1, 1.0], [-0.9, 1.0], [0.0, 0.0]];

const fn look(family: Family, symbol: char, ascii: char, corners: &'static [[f32; 2]]) -> Look {
    Look { family, symbol, ascii, corners, is_hollow: false }
}

const fn hollow(family: Family, symbol: char, ascii: char, corners: &'static [[f32; 2]]) -> Look {
    Look { is_hollow: true, ..look(family, symbol, ascii, corners) }
}

impl Look {
    /// How an outcome looks; the same in all pictures of all reports. Outcomes that are not failures are in no
    /// picture; they look like an error of the load balancer.
    #[must_use]
    pub const fn of(outcome: Outcome) -> Self {
        use Family::{Answer, Client, Connection, LoadBalancer, NoTarget, Timeout};
        match outcome {
            Outcome::ClosedBeforeResponse => look(Connection, '●', 'O', DISC),
            Outcome::ConnectFailed => look(Connection, '✚', 'X', PLUS),
            Outcome::StreamReset => hollow(Connection, '○', 'o', DISC),
            Outcome::ConnectTimeout => look(Timeout, '▲', 'A', UP),
            Outcome::IdleTimeout => look(Timeout, '▼', 'V', DOWN),
            Outcome::IncompleteResponse => hollow(Timeout, '△', '^', UP),
            Outcome::TimeoutUnspecified => hollow(Timeout, '▽', 'v', DOWN),
            Outcome::LambdaTimeout => look(Timeout, '►', 'L', RIGHT),
            Outcome::TargetError => look(Answer, '◆', 'E', DIAMOND),
            Outcome::TargetGatewayError => hollow(Answer, '◇', 'e', DIAMOND),
            Outcome::ResponseRejected => look(Answer, '◐', 'C', LEFT_HALF),
            Outcome::LambdaError => look(Answer, '◑', 'D', RIGHT_HALF),
            Outcome::NoTarget => look(NoTarget, '■', 'H', SQUARE),
            Outcome::TargetUnavailable => hollow(NoTarget, '□', 'h', SQUARE),
            Outcome::LambdaThrottled => look(NoTarget, '▮', 'I', UPRIGHT_BAR),
            Outcome::LambdaMisconfigured => look(NoTarget, '▬', '_', FLAT_BAR),
            Outcome::ClientClosedAfterDispatch => look(Client, '★', '*', STAR),
            Outcome::ClientClosedBeforeDispatch => hollow(Client, '☆', '%', STAR),
            Outcome::WafFailed => look(LoadBalancer, '◄', '<', LEFT),
            Outcome::IdentityProviderError => look(LoadBalancer, '⌂', '@', HOUSE),
            Outcome::UnsupportedTransferEncoding => look(LoadBalancer, '◣', 'T', LOWER_CORNER),
            Outcome::UnsupportedHttpVersion => look(LoadBalancer, '◥', 'P', UPPER_CORNER),
            Outcome::RedirectUrlTooLong => look(LoadBalancer, '»', '~', ARROW),
            _ => look(LoadBalancer, '×', 'x', CROSS),
        }
    }

    /// The colour of its family.
    #[must_use]
    pub fn colour(self) -> Colour {
        self.family.colour()
    }

    /// The corners of its shape around a centre, scaled by `radius`.
    pub(crate) fn shape(self, [x, y]: [f32; 2], radius: f32) -> Vec<[f32; 2]> {
        self.corners.iter().map(|[right, down]| [x + right * radius, y + down * radius]).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use unicode_width::UnicodeWidthChar;

    use super::*;

    fn failures() -> impl Iterator<Item = Outcome> {
        Outcome::ALL.iter().copied().filter(|outcome| outcome.is_failure())
    }

    #[test]
    fn each_failure_has_a_symbol_of_its_own_of_one_column() {
        let mut shapes = BTreeSet::new();
        let (mut symbols, mut ascii) = (BTreeMap::new(), BTreeMap::new());
        for outcome in failures() {
            let look = Look::of(outcome);
            assert_eq!(symbols.insert(look.symbol, outcome), None, "{outcome:?}");
            assert_eq!(ascii.insert(look.ascii, outcome), None, "{outcome:?}");
            assert!(look.symbol.width() == Some(1) && look.ascii.is_ascii_graphic(), "{outcome:?}");
            let corners = look.corners.iter().flatten().map(|number| number.to_bits());
            assert!(shapes.insert((look.is_hollow, corners.collect::<Vec<_>>())), "{outcome:?}");
            assert!(look.corners.iter().flatten().all(|number| number.abs() <= 1.2), "{outcome:?}");
        }
        let families: BTreeSet<Family> = failures().map(|outcome| Look::of(outcome).family).collect();
        assert_eq!(families, BTreeSet::from(Family::ALL));
    }

    /// The light of an sRGB channel, from 0 to 1 on a linear scale.
    fn light(channel: u8) -> f64 {
        let share = f64::from(channel) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    }

    fn channels(Colour { red, green, blue, .. }: Colour) -> [f64; 3] {
        [red, green, blue].map(light)
    }

    fn weighed(by: [f64; 3], channels: [f64; 3]) -> f64 {
        by.iter().zip(channels).map(|(by, channel)| by * channel).sum()
    }

    #[test]
    fn colours_match_the_terminal_palette_and_contrast_with_black_and_white() {
        let steps = [0, 95, 135, 175, 215, 255];
        for colour in Family::ALL.map(Family::colour) {
            let Colour { red, green, blue, terminal } = colour;
            let luminance = weighed([0.2126, 0.7152, 0.0722], channels(colour));
            let (on_white, on_black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
            assert!(on_white >= 3.0 && on_black >= 3.0, "{terminal}: {on_white:.2} and {on_black:.2}");
            let of_palette = match terminal {
                232.. => [8 + 10 * (terminal - 232); 3],
                _ => [36, 6, 1].map(|part| steps[usize::from((terminal - 16) / part % 6)]),
            };
            assert_eq!([red, green, blue], of_palette, "{terminal}");
        }
    }

    /// CIE L*a*b* coordinates of a colour as an eye of this kind sees it.
    fn seen_by(eye: &[[f64; 3]; 3], colour: Colour) -> [f64; 3] {
        let seen = eye.map(|by| weighed(by, channels(colour)).clamp(0.0, 1.0));
        let part = |by: [f64; 3], white: f64| {
            let part = weighed(by, seen) / white;
            if part > 0.008_856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 }
        };
        let (x, y, z) = (
            part([0.4124, 0.3576, 0.1805], 0.9505),
            part([0.2126, 0.7152, 0.0722], 1.0),
            part([0.0193, 0.1192, 0.9505], 1.089),
        );
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn colours_differ_for_people_with_a_colour_vision_deficiency() {
        // Matrices of Machado, Oliveira and Fernandes (2009), at full severity. The last deficiency is rare, so less
        // is required.
        let eyes = [
            ("all cones", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], 25.0),
            (
                "no long ones",
                [
                    [0.152_286, 1.052_583, -0.204_868],
                    [0.114_503, 0.786_281, 0.099_216],
                    [-0.003_882, -0.048_116, 1.051_998],
                ],
                15.0,
            ),
            (
                "no middle ones",
                [
                    [0.367_322, 0.860_646, -0.227_968],
                    [0.280_085, 0.672_501, 0.047_413],
                    [-0.011_820, 0.042_940, 0.968_881],
                ],
                15.0,
            ),
            (
                "no short ones",
                [
                    [1.255_528, -0.076_749, -0.178_779],
                    [-0.078_411, 0.930_809, 0.147_602],
                    [0.004_733, 0.691_367, 0.303_900],
                ],
                10.0,
            ),
        ];
        for (name, eye, least) in eyes {
            for (index, one) in Family::ALL.into_iter().enumerate() {
                for other in &Family::ALL[index + 1..] {
                    let pairs = seen_by(&eye, one.colour()).into_iter().zip(seen_by(&eye, other.colour()));
                    let apart = pairs.map(|(one, other)| (one - other).powi(2)).sum::<f64>().sqrt();
                    assert!(apart >= least, "{one:?} and {other:?} are {apart:.1} apart to {name}");
                }
            }
        }
    }
}
