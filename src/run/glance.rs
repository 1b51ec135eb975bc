//! One fast look at the bytes of an output: for most outputs it shows that nothing has to be looked at closer.

/// What the bytes of JSON contain, those of its texts included.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Glance {
    /// How many opening brackets.
    pub(super) brackets: usize,
    pub(super) has_backslash: bool,
    pub(super) has_equals_sign: bool,
}

impl Glance {
    /// Bytes whose brackets a byte can count. So the compiler makes vector instructions of the loop.
    const CHUNK: usize = 224;

    pub(super) fn at(json: &str) -> Self {
        let mut all = Self::default();
        for chunk in json.as_bytes().chunks(Self::CHUNK) {
            let (mut brackets, mut has_backslash, mut has_equals_sign) = (0_u8, false, false);
            for byte in chunk {
                // The two opening brackets differ in this bit.
                brackets += u8::from(byte | 0x20 == b'{');
                has_backslash |= *byte == b'\\';
                has_equals_sign |= *byte == b'=';
            }
            all.brackets += usize::from(brackets);
            all.has_backslash |= has_backslash;
            all.has_equals_sign |= has_equals_sign;
        }
        all
    }
}
