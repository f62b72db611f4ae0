//! What comes of a machine's end.

use armlet::Ending;

use crate::failure::Failure;
use crate::stop::Why;

/// The exit status of an ending, and what to say about it.
pub fn conclude(ending: &Ending, why: Option<Why>) -> Result<(u8, Option<String>), Failure> {
    Ok(match (ending, why) {
        (Ending::PowerOff, _) => (0, None),
        (Ending::Reset, _) => (0, Some("the guest asked for a reset".to_owned())),
        // The shell sees 8 bits; a failure must not turn into success in them.
        (Ending::Exit(status), _) => (u8::try_from(*status).unwrap_or(u8::MAX), None),
        (Ending::Stopped, Some(why)) => (why.status(), why.remark()),
        (Ending::Stopped, None) => (0, None),
        (Ending::Hung(reason), _) => return Err(Failure::broken(format_args!("the guest hangs: {reason}"))),
        (Ending::Dead(reason), _) => {
            return Err(Failure::broken(format_args!("the guest is dead: {reason}")));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_have_the_documented_statuses() {
        let status = |ending, why| conclude(&ending, why).map(|(status, _)| status).map_err(|f| f.status);
        assert_eq!(status(Ending::PowerOff, None), Ok(0));
        assert_eq!(status(Ending::Reset, None), Ok(0));
        assert_eq!(status(Ending::Exit(7), None), Ok(7));
        assert_eq!(status(Ending::Exit(256), None), Ok(255));
        assert_eq!(status(Ending::Stopped, Some(Why::Quit)), Ok(0));
        assert_eq!(status(Ending::Stopped, Some(Why::Signal(2))), Ok(130));
        assert_eq!(status(Ending::Stopped, Some(Why::BrokenPipe)), Ok(0));
        assert_eq!(status(Ending::Dead("x".into()), None), Err(1));
        assert_eq!(status(Ending::Hung("x".into()), None), Err(1));
    }
}
