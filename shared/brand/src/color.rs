//! Colors, and the contrast that people need to read them (WCAG 2.2, 1.4.3).

use std::fmt;

/// The contrast of text with its ground.
const TEXT: f64 = 4.5;
/// The contrast of a button's ground with its surroundings: less than that of text, so
/// that a bright brand color stays itself. The button's text has its own contrast.
const BUTTON: f64 = 1.4;
/// The step by which a color moves to black or white in search of contrast.
const STEP: f64 = 0.02;

/// A color in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

const BLACK: Color = Color::new(0, 0, 0);
const WHITE: Color = Color::new(0xff, 0xff, 0xff);
/// The darkest ground of the light scheme, and the surface that controls are on.
const LIGHT_GROUND: Color = Color::new(0xf4, 0xf4, 0xf6);
const LIGHT_SURFACE: Color = WHITE;
/// The lightest ground of the dark scheme, and the surface that controls are on.
const DARK_GROUND: Color = Color::new(0x1f, 0x22, 0x27);
const DARK_SURFACE: Color = Color::new(0x16, 0x18, 0x1c);

/// The error of a text that is no color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a color such as `#4f46e5`")]
pub struct InvalidColor;

impl Color {
    /// Makes a color of its parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Parses `#rrggbb`.
    ///
    /// # Errors
    /// [`InvalidColor`].
    pub fn parse(text: &str) -> Result<Self, InvalidColor> {
        let digits = text.strip_prefix('#').filter(|digits| {
            digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] = number.ok_or(InvalidColor)?.to_be_bytes();
        Ok(Self { red, green, blue })
    }

    /// Returns the relative luminance, from 0 to 1.
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// Returns the contrast with another color, from 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// Mixes in a share of another color, from 0 to 1.
    fn mixed(self, with: Self, share: f64) -> Self {
        let mix = |from: u8, to: u8| {
            let mixed = f64::from(from) * (1.0 - share) + f64::from(to) * share;
            // In range, as both are.
            mixed.round() as u8
        };
        Self {
            red: mix(self.red, with.red),
            green: mix(self.green, with.green),
            blue: mix(self.blue, with.blue),
        }
    }

    /// Moves the color to another one as far as its contrast with all grounds requires.
    fn readable(self, toward: Self, grounds: &[Self], contrast: f64) -> Self {
        let steps = (0..).map(|step| f64::from(step) * STEP);
        let candidates = steps.take_while(|share| *share < 1.0);
        let mut candidates = candidates.map(|share| self.mixed(toward, share));
        let found = candidates.find(|color| {
            grounds
                .iter()
                .all(|ground| color.contrast(*ground) >= contrast)
        });
        found.unwrap_or(toward)
    }

    /// Returns the color of text on this one: black or white, of which one always has
    /// enough contrast.
    fn on(self) -> Self {
        if self.contrast(WHITE) >= TEXT {
            WHITE
        } else {
            BLACK
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// The accent color in one scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shades {
    /// Of links and other text, and of marks that carry a meaning.
    pub text: Color,
    /// The ground of buttons.
    pub ground: Color,
    /// The ground of a button under the pointer.
    pub hover: Color,
    /// Of text on both.
    pub on_ground: Color,
    /// The ground of what is selected.
    pub soft: Color,
}

/// An accent color as both schemes show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// On light grounds.
    pub light: Shades,
    /// On dark grounds.
    pub dark: Shades,
}

impl Palette {
    /// Derives the shades of a color. One that could not be read on its ground becomes
    /// darker in the light scheme, and lighter in the dark one.
    pub fn of(accent: Color) -> Self {
        let shades = |toward, ground: Color, surface: Color, soft: f64| {
            let soft = surface.mixed(accent, soft);
            let control = accent.readable(toward, &[surface], BUTTON);
            let on_ground = control.on();
            // Away from the text on it, so that the contrast grows.
            let away = if on_ground == WHITE { BLACK } else { WHITE };
            Shades {
                text: accent.readable(toward, &[ground, soft], TEXT),
                ground: control,
                hover: control.mixed(away, 0.15),
                on_ground,
                soft,
            }
        };
        Self {
            light: shades(BLACK, LIGHT_GROUND, LIGHT_SURFACE, 0.09),
            dark: shades(WHITE, DARK_GROUND, DARK_SURFACE, 0.22),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_of_known_colors_is_as_the_standard_says() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 1e-9);
        assert!((WHITE.contrast(WHITE) - 1.0).abs() < 1e-9);
        // The darkest gray that fails on white, and the next one that passes.
        assert!(Color::parse("#777777").unwrap().contrast(WHITE) < TEXT);
        assert!(Color::parse("#767676").unwrap().contrast(WHITE) >= TEXT);
    }

    #[test]
    fn every_accent_is_readable_in_both_schemes() {
        let parts = (0..=255).step_by(15);
        let colors = parts.clone().flat_map(|red| {
            let parts = parts.clone();
            parts.clone().flat_map(move |green| {
                let parts = parts.clone();
                parts.map(move |blue| Color::new(red, green, blue))
            })
        });
        let mut count = 0;
        for accent in colors {
            count += 1;
            let palette = Palette::of(accent);
            for (shades, ground, surface) in [
                (palette.light, LIGHT_GROUND, LIGHT_SURFACE),
                (palette.dark, DARK_GROUND, DARK_SURFACE),
            ] {
                let Shades {
                    text,
                    ground: button,
                    hover,
                    on_ground,
                    soft,
                } = shades;
                for (name, one, other, least) in [
                    ("text", text, ground, TEXT),
                    ("text on soft", text, soft, TEXT),
                    ("button", button, surface, BUTTON),
                    ("text on button", on_ground, button, TEXT),
                    ("text on hover", on_ground, hover, TEXT),
                ] {
                    let contrast = one.contrast(other);
                    assert!(
                        contrast >= least,
                        "{accent} {name}: {one} {other} {contrast}"
                    );
                }
            }
        }
        assert_eq!(count, 18 * 18 * 18);
    }

    #[test]
    fn readable_accent_stays_as_it_is() {
        let accent = Color::parse("#4f46e5").unwrap();
        let light = Palette::of(accent).light;
        assert_eq!((light.text, light.ground), (accent, accent));
    }

    #[test]
    fn text_that_is_no_color_is_refused() {
        for text in [
            "", "4f46e5", "#4f46e", "#4f46e5f", "#4f46eg", "red", "#+f46e5", "#é46e5",
        ] {
            assert_eq!(Color::parse(text), Err(InvalidColor), "{text}");
        }
        assert_eq!(Color::parse("#4F46E5").unwrap().to_string(), "#4f46e5");
    }
}
