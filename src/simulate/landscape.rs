//! Made-up pictures: a sky, a sun with its glow, and three ranges of hills, the nearest the darkest.

use std::{array, f32::consts::TAU, ops::RangeInclusive, sync::LazyLock};

use fastrand::Rng;

use super::png::{self, Rgb};

/// The width and the height in pixels.
const SIZE: u16 = 256;
// The palette has a color for each step of the sky at each step of the glow. Then come the sun and the hills, each
// with the steps of its edge.
const SKY_STEPS: u8 = 40;
const GLOW_STEPS: u8 = 6;
const EDGE_STEPS: u8 = 4;
const SUN: u8 = SKY_STEPS * GLOW_STEPS;
const HILLS: [u8; 3] = [SUN + EDGE_STEPS, SUN + 2 * EDGE_STEPS, SUN + 3 * EDGE_STEPS];

/// The compressed pixels of a few landscapes. Compressing them takes time, so pictures share them: each has its own
/// colors.
static SHAPES: LazyLock<[Vec<u8>; 12]> = LazyLock::new(|| {
    let mut rng = Rng::with_seed(1);
    [(); 12].map(|()| Shape::new(&mut rng).compress())
});

/// A PNG.
pub(super) fn landscape(rng: &mut Rng) -> Vec<u8> {
    let shape = &SHAPES[rng.usize(..SHAPES.len())];
    png::encode(SIZE.into(), &palette(rng), shape)
}

/// Where things are, in pixels.
struct Shape {
    sun: [f32; 2],
    radius: f32,
    /// Of each range of hills, its upper edge in each column. The nearest is the last.
    hills: [Vec<f32>; 3],
}

impl Shape {
    fn new(rng: &mut Rng) -> Self {
        Self {
            sun: [rng.u8(56..=200), rng.u8(60..=118)].map(f32::from),
            radius: rng.u8(15..=28).into(),
            hills: [138.0, 172.0, 208.0].map(|horizon| {
                let [wide, narrow] = [(1, 2), (3, 5)].map(|(from, to)| wave(rng, from..=to));
                let top = |x: u16| {
                    let x = f32::from(x) / f32::from(SIZE);
                    horizon + 17.0 * wide(x) + 4.0 * narrow(x)
                };
                (0..SIZE).map(top).collect()
            }),
        }
    }

    fn compress(&self) -> Vec<u8> {
        png::compress((0..SIZE).map(|y| (0..SIZE).map(|x| self.color_at(x, y)).collect()))
    }

    /// The index of a pixel's color.
    fn color_at(&self, x: u16, y: u16) -> u8 {
        let column = usize::from(x);
        let [x, y] = [x, y].map(f32::from);
        for (hill, first) in self.hills.iter().zip(HILLS).rev() {
            if let Some(step) = edge_step(y - hill[column]) {
                return first + step;
            }
        }
        let distance = (x - self.sun[0]).hypot(y - self.sun[1]);
        if let Some(step) = edge_step(self.radius - distance) {
            return SUN + step;
        }
        let glow = scale(1.0 - distance / (3.2 * self.radius), GLOW_STEPS - 1);
        glow * SKY_STEPS + scale(y / (0.7 * f32::from(SIZE)), SKY_STEPS - 1)
    }
}

/// A wave as long as the picture is wide, or a part of that.
fn wave(rng: &mut Rng, count: RangeInclusive<u8>) -> impl Fn(f32) -> f32 + use<> {
    let (count, start) = (f32::from(rng.u8(count)), rng.f32());
    move |x| (TAU * (count * x + start)).sin()
}

/// The step of a pixel that is this far within an edge, so that the edge is smooth. None outside of it.
fn edge_step(inside: f32) -> Option<u8> {
    scale(inside + 0.5, EDGE_STEPS).checked_sub(1)
}

/// What 0 to 1 is of 0 to `end`. Values beyond that count as 0 and 1.
fn scale(part: f32, end: u8) -> u8 {
    byte(part.clamp(0.0, 1.0) * f32::from(end))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to 255"
)]
fn byte(value: f32) -> u8 {
    value.round() as u8
}

fn palette(rng: &mut Rng) -> Vec<Rgb> {
    let hue = rng.u16(..360);
    let glow = hue + rng.u16(30..=90);
    let (top, bottom) = (hsl(hue, 0.55, 0.38), hsl(glow, 0.75, 0.74));
    let steps = |count: u8| (0..count).map(move |n| f32::from(n) / f32::from(count - 1));
    let mut colors = Vec::with_capacity(256);
    for light in steps(GLOW_STEPS) {
        let sky = steps(SKY_STEPS).map(|part| mix(top, bottom, part));
        colors.extend(sky.map(|color| mix(color, [255; 3], 0.55 * light)));
    }
    let sky = mix(top, bottom, 0.5);
    let mut add_edge = |behind: Rgb, color: Rgb| {
        let part = |step: u8| f32::from(step) / f32::from(EDGE_STEPS);
        colors.extend((1..=EDGE_STEPS).map(|step| mix(behind, color, part(step))));
    };
    add_edge(mix(sky, [255; 3], 0.4), hsl(glow, 0.9, 0.93));
    let mut behind = bottom;
    for lightness in [0.5, 0.35, 0.21] {
        let color = hsl(hue, 0.45, lightness);
        add_edge(behind, color);
        behind = color;
    }
    colors
}

fn mix(from: Rgb, to: Rgb, part: f32) -> Rgb {
    array::from_fn(|n| {
        let [from, to] = [from[n], to[n]].map(f32::from);
        byte(from + (to - from) * part)
    })
}

/// A color as CSS describes it: the hue in degrees, the others from 0 to 1.
fn hsl(hue: u16, saturation: f32, lightness: f32) -> Rgb {
    let range = saturation * lightness.min(1.0 - lightness);
    [0.0, 8.0, 4.0].map(|offset| {
        let place = (offset + f32::from(hue) / 30.0) % 12.0;
        let part = (place - 3.0).min(9.0 - place).clamp(-1.0, 1.0);
        byte(255.0 * (lightness - range * part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_color_of_a_picture_is_in_its_palette() {
        let mut rng = Rng::with_seed(1);
        let colors = palette(&mut rng).len();
        let shape = Shape::new(&mut rng);
        let pixels = (0..SIZE).flat_map(|y| (0..SIZE).map(move |x| (x, y)));
        let last = pixels.map(|(x, y)| shape.color_at(x, y)).max();
        assert_eq!(last.map(usize::from), Some(colors - 1));
    }

    #[test]
    fn colors_are_those_of_css() {
        assert_eq!(hsl(0, 1.0, 0.5), [255, 0, 0]);
        assert_eq!(hsl(120, 1.0, 0.25), [0, 128, 0]);
        assert_eq!(hsl(210, 0.5, 0.4), [51, 102, 153]);
        assert_eq!(hsl(390, 0.0, 1.0), [255, 255, 255]);
        assert_eq!(mix([0, 100, 200], [100, 100, 0], 0.25), [25, 100, 150]);
    }
}
