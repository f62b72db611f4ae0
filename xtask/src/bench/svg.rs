//! The chart `docs/bench/bench.svg`: armlet against QEMU's best, by class, on a logarithmic scale.

use std::fmt::Write;

use super::report::{Report, Section};

const LEFT: f64 = 140.0;
const WIDTH: f64 = 540.0;
const ROW: f64 = 30.0;
const DECADES: f64 = 2.0;

/// Draws the geometric means of all classes that have one, those of 32-bit guests under those of 64-bit ones.
pub fn chart(report: &Report) -> String {
    let of_section = |section: &Section| {
        let label = |class: String| match section.title {
            "32-bit guests" => format!("{class} (32-bit)"),
            _ => class,
        };
        let classes = section.classes().into_iter();
        classes.filter_map(|(class, mean)| Some((label(class), mean?))).collect::<Vec<_>>()
    };
    let classes: Vec<(String, f64)> = report.sections.iter().flat_map(of_section).collect();
    let height = 70.0 + classes.len() as f64 * ROW;
    let x = |ratio: f64| LEFT + WIDTH * (ratio.log10().clamp(-DECADES, DECADES) / (2.0 * DECADES) + 0.5);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"20\" font-weight=\"bold\">armlet soft against QEMU's best configuration (right of 1x: armlet is faster)</text>\n"
    );
    for ratio in [0.01, 0.1, 1.0, 10.0, 100.0] {
        let at = x(ratio);
        let _ = writeln!(
            svg,
            "<line x1=\"{at}\" y1=\"30\" x2=\"{at}\" y2=\"{}\" stroke=\"#ccc\"/>",
            height - 25.0
        );
        let _ = writeln!(
            svg,
            "<text x=\"{at}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{ratio}x</text>",
            height - 8.0
        );
    }
    for (row, (class, mean)) in classes.iter().enumerate() {
        let y = 36.0 + row as f64 * ROW;
        let (from, to) = (x(mean.min(1.0)), x(mean.max(1.0)));
        let colour = if *mean >= 1.0 { "#2a7" } else { "#c63" };
        let middle = y + 16.0;
        let _ = writeln!(svg, "<text x=\"10\" y=\"{middle}\">{class}</text>");
        let _ = writeln!(
            svg,
            "<rect x=\"{from}\" y=\"{y}\" width=\"{}\" height=\"22\" fill=\"{colour}\"/>",
            to - from
        );
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{middle}\">{mean:.2}x</text>", LEFT + WIDTH + 10.0);
    }
    svg + "</svg>\n"
}
