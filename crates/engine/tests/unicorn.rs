//! Instructions compared with Unicorn, by class.

mod oracle;

use armlet_arm::a64::integer;
use oracle::{Case, Oracle, Rng, random_word};

#[test]
fn integer_rows() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(1);
    for row in integer::TABLE.rows() {
        for _ in 0..200 {
            let word = random_word(&mut rng, row.mask, row.value);
            if row.valid.is_some_and(|valid| !valid(word)) {
                continue;
            }
            let case = Case::random(&mut rng, vec![word]);
            oracle.check(&case);
        }
    }
    eprintln!("{} cases", oracle.compared);
}
