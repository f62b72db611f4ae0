//! Models of Arm system devices: interrupt controllers, UART, RTC, timers.
