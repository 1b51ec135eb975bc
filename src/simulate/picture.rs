//! The pictures that simulated runs make: small landscapes, drawn here so that nothing has to be fetched.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::dice::Dice;

/// A picture as a `data:` URL, the same one for the same `seed`.
pub(super) fn landscape(seed: u64) -> String {
    let svg = draw(&mut Dice::new(seed));
    format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(svg))
}

/// A sky, a sun with its glow, and three ranges of hills, the nearest the darkest.
fn draw(dice: &mut Dice) -> String {
    let hue = dice.within(0, 359);
    let glow = (hue + dice.within(30, 90)) % 360;
    let (x, y, radius) = (dice.within(22, 78), dice.within(24, 46), dice.within(6, 11));
    let halo = radius * 3;
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='512' height='512' viewBox='0 0 100 100'>\
         <linearGradient id='s' x2='0' y2='1'><stop stop-color='hsl({hue},55%,38%)'/>\
         <stop offset='.75' stop-color='hsl({glow},75%,74%)'/></linearGradient>\
         <radialGradient id='h'><stop stop-color='#fff' stop-opacity='.6'/>\
         <stop offset='1' stop-color='#fff' stop-opacity='0'/></radialGradient>\
         <path fill='url(#s)' d='M0 0h100v100H0z'/>\
         <circle cx='{x}' cy='{y}' r='{halo}' fill='url(#h)'/>\
         <circle cx='{x}' cy='{y}' r='{radius}' fill='hsl({glow},90%,93%)'/>"
    );
    for (horizon, lightness) in [(54, 50), (67, 35), (81, 21)] {
        svg += &hills(dice, horizon, &format!("hsl({hue},45%,{lightness}%)"));
    }
    svg + "</svg>"
}

/// A range of hills that rise and fall around `horizon`, from edge to edge.
fn hills(dice: &mut Dice, horizon: u64, colour: &str) -> String {
    let mut height = || horizon - 9 + dice.within(0, 18);
    let [start, top, middle, end] = [height(), height(), height(), height()];
    format!(
        "<path fill='{colour}' d='M0 100V{start}Q18 {top} 38 {middle}T70 {middle}T100 {end}V100z'/>"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pictures_are_small_and_each_its_own() {
        let pictures: HashSet<String> = (0..1000).map(landscape).collect();
        assert_eq!(pictures.len(), 1000);
        assert!(pictures.iter().all(|picture| picture.len() < 2048));
    }

    #[test]
    fn the_same_seed_gives_the_same_picture() {
        assert_eq!(landscape(7), landscape(7));
    }
}
