//! The text of instructions in a form that ours and LLVM's share.

/// One blank between words, numbers as 32 bits without a sign, one name and one form for what has several.
pub fn normal(text: &str) -> String {
    let text =
        text.split('@').next().unwrap_or("").to_lowercase().replace(".w", "").replace("[pc, #0]", "[pc]");
    let words: Vec<&str> = text.split_whitespace().collect();
    // ADR that subtracts nothing.
    let text = match &words[..] {
        ["sub" | "subw", register, "pc,", "#0"] => format!("adr {register} #0"),
        words => words.join(" "),
    };
    let mut words: Vec<String> = rename(&text).split(' ').map(number).collect();
    name_hint(&mut words);
    drop_option(&mut words);
    join_rotation(&mut words);
    drop_operand(&mut words);
    words.join(" ")
}

/// Names of what has a number only.
fn rename(text: &str) -> &str {
    match text {
        "__brkdiv0" => "udf #249",
        "trap" => "udf #254",
        // Hints of the M profile.
        "pacbti r12, lr, sp" => "hint #13",
        "bti" => "hint #15",
        "pac r12, lr, sp" => "hint #29",
        "aut r12, lr, sp" => "hint #45",
        // Options of barriers that Armv8 has.
        "dmb #0x1" => "dmb oshld",
        "dmb #0x5" => "dmb nshld",
        "dmb #0x9" => "dmb ishld",
        "dmb #0xd" => "dmb ld",
        "dsb #0x1" => "dsb oshld",
        "dsb #0x5" => "dsb nshld",
        "dsb #0x9" => "dsb ishld",
        "dsb #0xd" => "dsb ld",
        "dsb #0x0" => "ssbb",
        "dsb #0x4" => "pssbb",
        _ => text,
    }
}

/// The number in a word as 32 bits without a sign.
fn number(word: &str) -> String {
    let Some(start) = word.find('#') else { return word.to_string() };
    let digits = &word[start + 1..];
    let end = digits.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(digits.len());
    match digits[..end].parse::<i64>() {
        // A negative zero is an offset to subtract.
        Ok(0) | Err(_) => word.to_string(),
        Ok(value) => format!("{}#{}{}", &word[..start], value as u32, &digits[end..]),
    }
}

/// Hints that Armv7 has no name for.
fn name_hint(words: &mut Vec<String>) {
    let [mnemonic, hint] = &words[..] else { return };
    let Some(condition) = mnemonic.strip_prefix("hint") else { return };
    let name = match &hint[..] {
        "#5" => "sevl",
        "#16" => "esb",
        "#20" => "csdb",
        _ => return,
    };
    *words = vec![format!("{name}{condition}")];
}

/// The option of an unindexed LDC or STC.
fn drop_option(words: &mut Vec<String>) {
    let is_option = |word: &mut String| word.starts_with('{') && word[1..].starts_with(char::is_numeric);
    if words.pop_if(is_option).is_some() {
        words.last_mut().and_then(String::pop);
    }
}

/// LLVM writes a constant that is not rotated by the least amount as `#bits, #rotation`.
fn join_rotation(words: &mut Vec<String>) {
    const ROTATED: [&str; 17] = [
        "and", "eor", "sub", "rsb", "add", "adc", "sbc", "rsc", "tst", "teq", "cmp", "cmn", "orr", "mov",
        "bic", "mvn", "msr",
    ];
    let [mnemonic, .., bits, rotation] = &words[..] else { return };
    let (Some(bits), Some(rotation)) = (bits.strip_prefix('#'), rotation.strip_prefix('#')) else { return };
    if !ROTATED.iter().any(|name| mnemonic.starts_with(name)) {
        return;
    }
    let (Ok(bits), Ok(rotation)) = (bits.trim_end_matches(',').parse::<u32>(), rotation.parse()) else {
        return;
    };
    words.truncate(words.len() - 2);
    words.push(format!("#{}", bits.rotate_right(rotation)));
}

/// T32's names for additions of plain constants, and its two operands where the first is the second as well.
fn drop_operand(words: &mut Vec<String>) {
    if let "addw" | "subw" = &words[0][..] {
        words[0].pop();
    }
    if words.len() > 3 && words[1] == words[2] && words[1].starts_with(['r', 's', 'l', 'p']) {
        words.remove(1);
    }
    // ADD of SP and a register, either way round.
    let is_sum = words.len() == 4 && words[0] == "add" && words[2] == "sp,";
    if is_sum && words[1].strip_suffix(',') == Some(&words[3]) {
        words.truncate(3);
        words[2].pop();
    }
}
