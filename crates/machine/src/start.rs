//! The state a guest starts in, AArch64 or AArch32, and a CPU model that has it.

use armlet_hv::{GuestMode, Hypervisor, ModelInfo};

use crate::config::{BoardKind, MachineConfig, hint};
use crate::error::MachineError;

/// Chooses both: what the payload is made for, else what was asked for, else all that the model has, else
/// what the board is for.
pub(crate) fn choose(
    config: &MachineConfig,
    hv: &dyn Hypervisor,
) -> Result<(GuestMode, String), MachineError> {
    let models = &hv.capabilities().cpu_models;
    let named = named(&config.cpu_model, models, hv)?;
    let mode = match (fixed(config)?, config.mode) {
        (Some(mode), _) | (None, Some(mode)) => mode,
        (None, None) => only_mode(named).unwrap_or(config.board.usual_mode()),
    };
    if !hv.capabilities().modes.contains(&mode) {
        return Err(unavailable(mode, hv));
    }
    let model = match named {
        Some(model) if model.modes.contains(&mode) => Some(model),
        Some(model) => return Err(unable(config, mode, &model.name, models)),
        None => models.iter().find(|model| model.modes.contains(&mode)),
    };
    match model {
        Some(model) => Ok((mode, model.name.clone())),
        None if models.is_empty() => Ok((mode, String::new())),
        None => Err(unavailable(mode, hv)),
    }
}

/// The model asked for by name.
fn named<'a>(
    name: &str,
    models: &'a [ModelInfo],
    hv: &dyn Hypervisor,
) -> Result<Option<&'a ModelInfo>, MachineError> {
    match models.iter().find(|model| model.name == name) {
        None if !name.is_empty() => Err(MachineError::CpuModel {
            model: name.to_owned(),
            backend: hv.name(),
            hint: hint(name, models.iter().map(|model| model.name.as_str())),
        }),
        found => Ok(found),
    }
}

/// The state that the payload is made for, which nothing else may contradict.
fn fixed(config: &MachineConfig) -> Result<Option<GuestMode>, MachineError> {
    if let Some(firmware) = &config.firmware {
        let mode = firmware.mode();
        return match (mode, config.mode) {
            (Some(mode), Some(asked)) if asked != mode => {
                let name = firmware.name.clone();
                Err(MachineError::FirmwareMode { name, mode: state(mode), asked: state(asked) })
            }
            _ => Ok(mode),
        };
    }
    let Some((payload, mode)) = config.kernel.as_ref().and_then(|kernel| Some((kernel, kernel.mode()?)))
    else {
        return Ok(None);
    };
    match config.mode.filter(|asked| *asked != mode) {
        None => Ok(Some(mode)),
        Some(asked) => Err(MachineError::PayloadMode {
            payload: payload.name.clone(),
            kind: payload.kind,
            asked: state(asked),
            fix: if asked.is_aarch32() { "leave --aarch32 out" } else { "leave the state to it" },
        }),
    }
}

/// The start state of a model that has one only.
fn only_mode(model: Option<&ModelInfo>) -> Option<GuestMode> {
    match model?.modes.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

fn unavailable(mode: GuestMode, hv: &dyn Hypervisor) -> MachineError {
    let can = hv.capabilities().modes.iter().map(|mode| state(*mode)).collect::<Vec<_>>().join(" and ");
    MachineError::Mode { backend: hv.name(), mode: state(mode), can }
}

/// The model does not have the state; says what has.
fn unable(config: &MachineConfig, mode: GuestMode, model: &str, models: &[ModelInfo]) -> MachineError {
    let what = match config.kernel.as_ref().filter(|_| config.firmware.is_none()) {
        None if config.firmware.is_some() => "the firmware".to_owned(),
        Some(kernel) if kernel.mode().is_some() => format!("{} ({})", kernel.name, kernel.kind),
        _ if config.mode.is_none() => format!("machine {}", config.board),
        _ => "the start asked for".to_owned(),
    };
    let able = models.iter().filter(|model| model.modes.contains(&mode)).map(|model| model.name.as_str());
    let able: Vec<_> = able.collect();
    let fix = match able.split_last() {
        None => "no CPU model of this backend has it".to_owned(),
        Some((only, [])) => format!("use --cpu {only}"),
        Some((last, others)) => format!("use --cpu {} or {last}", others.join(", ")),
    };
    MachineError::ModelMode { what, mode: mode.name(), model: model.to_owned(), fix }
}

/// The state without the exception level.
fn state(mode: GuestMode) -> &'static str {
    if mode.is_aarch32() { "AArch32" } else { "AArch64" }
}

impl BoardKind {
    /// The state in which programs start that don't say.
    pub fn usual_mode(self) -> GuestMode {
        match self {
            Self::Virt | Self::Monitor => GuestMode::A64El1,
            Self::Hvio => GuestMode::A32El1,
        }
    }
}
