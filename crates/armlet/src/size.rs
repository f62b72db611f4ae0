//! Sizes and addresses as people write them: `512M`, `2G`, `64k`, `1GiB`, `1048576`, `0x40000000`.

/// Parses a number of bytes. Suffixes are powers of 1024; `B`, `iB` after them and any case are fine.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let expected = || format!("{text:?} is not a size; write it like 512M, 2G or 0x10000000");
    let trimmed = text.trim();
    if let Some(hex) = hexadecimal(trimmed) {
        return u64::from_str_radix(hex, 16).map_err(|_| expected());
    }
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, suffix) = trimmed.split_at(digits);
    let shift = match suffix.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(expected()),
    };
    if number.is_empty() {
        return Err(expected());
    }
    // All digits: the only way to fail from here is too many of them.
    let too_large = || format!("{text} is more than 64 bits can hold");
    let number: u64 = number.parse().map_err(|_| too_large())?;
    number.checked_mul(1 << shift).ok_or_else(too_large)
}

/// Parses the size of guest memory: a size, but not none.
pub fn parse_memory(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        0 => Err("a machine needs some memory; write it like 512M or 2G".to_owned()),
        size => Ok(size),
    }
}

/// Parses an address: hexadecimal with 0x, else decimal.
pub fn parse_address(text: &str) -> Result<u64, String> {
    let parsed = match hexadecimal(text.trim()) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.trim().parse(),
    };
    parsed.map_err(|_| format!("{text:?} is not an address; write it like 0x40080000"))
}

/// The digits after `0x`. A sign after it is not a digit, whatever `from_str_radix` thinks.
fn hexadecimal(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    Some(if digits.starts_with(['+', '-']) { "" } else { digits })
}

/// A size for people: the largest unit that says it in a few digits.
pub fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut scaled = bytes as f64;
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    if unit == 0 || scaled.fract() == 0.0 {
        format!("{scaled} {}", UNITS[unit])
    } else {
        format!("{scaled:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_every_spelling() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", 1 << 20),
            ("0x1000000", 0x100_0000),
            ("0X10", 16),
            ("64k", 64 << 10),
            ("512M", 512 << 20),
            ("2G", 2 << 30),
            ("2g", 2 << 30),
            ("3MiB", 3 << 20),
            ("1GiB", 1 << 30),
            ("1 ", 1),
            ("10T", 10 << 40),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_size() {
        for text in [
            "",
            "M",
            "-1",
            "+1",
            "1.5G",
            "1X",
            "0x",
            "0xg",
            "0x+1",
            "1 G",
            "18000000000G",
            "99999999999999999999",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert!(parse_memory("0").unwrap_err().contains("needs some memory"));
        assert!(parse_size("99999999999T").unwrap_err().contains("64 bits"));
    }

    #[test]
    fn addresses_are_not_sizes() {
        assert_eq!(parse_address("0x40080000"), Ok(0x4008_0000));
        assert_eq!(parse_address("4096"), Ok(4096));
        assert!(parse_address("4k").is_err() && parse_address("").is_err() && parse_address("0x").is_err());
    }

    #[test]
    fn people_read_short_sizes() {
        for (bytes, text) in
            [(192, "192 bytes"), (1024, "1 KiB"), (33 << 20, "33 MiB"), (1536, "1.5 KiB"), (2 << 30, "2 GiB")]
        {
            assert_eq!(human(bytes), text);
        }
    }
}
