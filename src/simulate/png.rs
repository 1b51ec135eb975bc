//! Writes small PNG pictures that have a palette.

use std::io::Write as _;

use flate2::{Compression, Crc, write::ZlibEncoder};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A color: red, green and blue.
pub(super) type Rgb = [u8; 3];

/// Compresses the rows of a picture. Each pixel is the index of a color.
pub(super) fn compress(rows: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in rows {
        // The row is not filtered.
        let line = [&[0], &row[..]].concat();
        encoder.write_all(&line).expect("a Vec takes every byte");
    }
    encoder.finish().expect("a Vec takes every byte")
}

/// A square picture of these colors. `pixels` are the compressed rows.
pub(super) fn encode(size: u32, palette: &[Rgb], pixels: &[u8]) -> Vec<u8> {
    let size = size.to_be_bytes();
    // 8 bits for each pixel, which are an index; then the only ways to compress and to filter; not interlaced.
    let header = [&size[..], &size, &[8, 3, 0, 0, 0]].concat();
    let mut png = SIGNATURE.to_vec();
    write_chunk(&mut png, *b"IHDR", &header);
    write_chunk(&mut png, *b"PLTE", palette.as_flattened());
    write_chunk(&mut png, *b"IDAT", pixels);
    write_chunk(&mut png, *b"IEND", &[]);
    png
}

fn write_chunk(png: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).expect("the picture is small");
    let mut crc = Crc::new();
    crc.update(&name);
    crc.update(data);
    png.extend(length.to_be_bytes());
    png.extend(name);
    png.extend(data);
    png.extend(crc.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::ZlibDecoder;

    use super::*;

    #[test]
    fn a_picture_consists_of_the_chunks_of_a_png() {
        let palette = [[255, 0, 0], [0, 0, 255]];
        let pixels = compress([vec![0, 1], vec![1, 0]].into_iter());
        let png = encode(2, &palette, &pixels);
        let mut rest = png.strip_prefix(SIGNATURE).unwrap();
        let mut chunks = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let (chunk, after) = after.split_at(4 + length);
            let (sum, after) = after.split_first_chunk::<4>().unwrap();
            let mut crc = Crc::new();
            crc.update(chunk);
            assert_eq!(crc.sum().to_be_bytes(), *sum);
            chunks.push(chunk);
            rest = after;
        }
        let [header, palette, data, end] = chunks[..] else {
            panic!("{chunks:?}");
        };
        assert_eq!(header, b"IHDR\0\0\0\x02\0\0\0\x02\x08\x03\0\0\0");
        assert_eq!(palette, b"PLTE\xff\0\0\0\0\xff");
        assert_eq!(end, b"IEND");
        let mut rows = Vec::new();
        let mut decoder = ZlibDecoder::new(data.strip_prefix(b"IDAT").unwrap());
        decoder.read_to_end(&mut rows).unwrap();
        assert_eq!(rows, [0, 0, 1, 0, 1, 0]);
    }
}
