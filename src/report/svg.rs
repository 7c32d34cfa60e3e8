//! Charts as inline SVG: severity over time, the detection chain, the cost curve (SEV.7, PM.2, PM.3).
//!
//! Every chart has a title and a description that say what it shows; every colour comes from the page's style.

use super::{
    document::{Chart, Mark, span, time},
    html::escape,
};
use crate::terms::Time;

/// Width of every drawing, and the room left of and right of its field.
const WIDTH: f64 = 900.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 60.0;

/// A chart.
pub(super) fn draw(chart: &Chart) -> String {
    match chart {
        Chart::Severity { levels, steps, until, marks } => severity(levels, steps, *until, marks),
        Chart::Chain { stations, first } => chain(stations, first.as_deref()),
        Chart::Spend { points, marks } => spend(points, marks),
    }
}

/// A drawing with its title and description.
fn drawing(id: &str, height: f64, title: &str, description: &str, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\">\n<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n\
         {body}</svg>\n",
        escape(title),
        escape(description)
    )
}

/// Where a moment stands on an axis from `from` to `to`.
fn x(at: Time, from: Time, to: Time) -> f64 {
    let whole = to.since(from).max(1) as f64;
    let share = (at.since(from) as f64 / whole).clamp(0.0, 1.0);
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn text(x: f64, y: f64, anchor: &str, class: &str, said: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>\n", escape(said))
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64, class: &str) -> String {
    format!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>\n")
}

/// The axis of time under a field, its ends named.
fn axis(y: f64, from: Time, to: Time) -> String {
    let right = WIDTH - RIGHT;
    line(LEFT, y, right, y, "axis")
        + &text(LEFT, y + 18.0, "start", "dim", &short(from))
        + &text(right, y + 18.0, "end", "dim", &format!("{} (+{})", short(to), span(to.since(from))))
}

/// `03-02 14:05:41`: a year is said above.
fn short(at: Time) -> String {
    at.to_chrono().format("%m-%d %H:%M:%S").to_string()
}

/// Marks over a field, their names on lines of their own so that neighbours do not cover each other.
fn marked(marks: &[Mark], from: Time, to: Time, top: f64, bottom: f64) -> String {
    let mut sorted: Vec<&Mark> = marks.iter().collect();
    sorted.sort_by_key(|mark| mark.at);
    let draw = |(row, mark): (usize, &&Mark)| {
        let at = x(mark.at, from, to);
        let (anchor, dx) = if at > WIDTH / 2.0 { ("end", -4.0) } else { ("start", 4.0) };
        let name = format!("{} {}", mark.name, mark.at.to_chrono().format("%H:%M:%S"));
        let y = top + 14.0 * row as f64;
        line(at, y - 10.0, at, bottom, "mark") + &text(at + dx, y, anchor, "dim", &name)
    };
    sorted.iter().enumerate().map(draw).collect()
}

fn severity(levels: &[String], steps: &[(Time, String)], until: Time, marks: &[Mark]) -> String {
    let Some((first, _)) = steps.first() else { return String::new() };
    let from = marks.iter().map(|mark| mark.at).fold(*first, Time::min);
    let to = steps.iter().map(|(at, _)| *at).chain(marks.iter().map(|mark| mark.at)).fold(until, Time::max);
    let top = 24.0 + 14.0 * marks.len() as f64;
    let row = |level: &str| top + 28.0 * levels.iter().position(|known| known == level).unwrap_or(0) as f64;
    let bottom = top + 28.0 * levels.len().max(1) as f64;
    let mut body = String::new();
    for level in levels {
        body += &line(LEFT, row(level), WIDTH - RIGHT, row(level), "axis");
        body += &text(LEFT - 10.0, row(level) + 4.0, "end", "dim", level);
    }
    let mut path = String::new();
    for (at, (when, level)) in steps.iter().enumerate() {
        let next = steps.get(at + 1).map_or(to, |(next, _)| *next);
        let verb = if at == 0 { "M" } else { "L" };
        let (start, end, y) = (x(*when, from, to), x(next, from, to), row(level));
        path += &format!("{verb}{start:.1} {y:.1} L{end:.1} {y:.1} ");
    }
    body += &format!("<path d=\"{}\" class=\"level\"/>\n", path.trim_end());
    body += &marked(marks, from, to, 16.0, bottom);
    body += &axis(bottom, from, to);
    let said: Vec<String> = steps.iter().map(|(at, level)| format!("{level} from {}", time(*at))).collect();
    drawing("severity", bottom + 28.0, "Severity over time", &said.join("; "), &body)
}

fn chain(stations: &[(&'static str, Option<Time>)], first: Option<&str>) -> String {
    let known: Vec<Time> = stations.iter().filter_map(|(_, at)| *at).collect();
    let (Some(from), Some(to)) = (known.iter().min(), known.iter().max()) else { return String::new() };
    let (bar, labels) = (40.0, 128.0);
    let mut body = line(LEFT, bar, WIDTH - RIGHT, bar, "axis");
    let mut said = Vec::new();
    for pair in stations.windows(2) {
        let ((one, start), (other, end)) = (pair[0], pair[1]);
        let name = format!("{one}-{other}");
        let Some((start, end)) = start.zip(end) else {
            said.push(format!("{one} to {other}: not recorded"));
            continue;
        };
        let (left, right) = (x(start.min(end), *from, *to), x(start.max(end), *from, *to));
        let class = if first == Some(name.as_str()) { "first" } else { "gap" };
        body += &format!(
            "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"12\" class=\"{class}\"/>\n",
            bar - 6.0,
            (right - left).max(1.5)
        );
        said.push(format!("{one} to {other}: {}", span(end.since(start))));
    }
    // Stations stand evenly below the bar that is to scale; a line leads each to its place.
    let place = |at: usize| LEFT + (WIDTH - LEFT - RIGHT) * at as f64 / (stations.len() - 1).max(1) as f64;
    for (at, (name, when)) in stations.iter().enumerate() {
        let below = place(at);
        if let Some(when) = when {
            let there = x(*when, *from, *to);
            body += &format!(
                "<polyline points=\"{there:.1},{:.1} {there:.1},{:.1} {below:.1},{:.1}\" class=\"lead\"/>\n",
                bar + 6.0,
                bar + 20.0,
                labels - 32.0
            );
            body += &format!("<circle cx=\"{there:.1}\" cy=\"{bar}\" r=\"4\" class=\"dot\"/>\n");
        }
        body += &text(below, labels - 14.0, "middle", "", name);
        let clock = when.map_or_else(|| "not recorded".to_owned(), |at| at.to_chrono().format("%H:%M:%S").to_string());
        body += &text(below, labels + 4.0, "middle", "dim", &clock);
    }
    for (at, pair) in stations.windows(2).enumerate() {
        let Some((start, end)) = pair[0].1.zip(pair[1].1) else { continue };
        let name = format!("{}-{}", pair[0].0, pair[1].0);
        let class = if first == Some(name.as_str()) { "tcost" } else { "tacts" };
        let middle = (place(at) + place(at + 1)) / 2.0;
        body += &text(middle, labels + 26.0, "middle", class, &format!("↔ {}", span(end.since(start))));
    }
    drawing("chain", labels + 40.0, "Detection chain, gaps to scale", &said.join("; "), &body)
}

fn spend(points: &[(Time, f64, u64)], marks: &[Mark]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let (from, to) = (first.0, last.0);
    let (most, acts) = (last.1.max(f64::EPSILON), last.2.max(1));
    let (top, bottom) = (30.0 + 14.0 * marks.len() as f64, 250.0 + 14.0 * marks.len() as f64);
    let up = |share: f64| bottom - share.clamp(0.0, 1.0) * (bottom - top);
    let path = |height: &dyn Fn(&(Time, f64, u64)) -> f64| {
        let point = |one: &(Time, f64, u64)| format!("{:.1},{:.1}", x(one.0, from, to), up(height(one)));
        points.iter().map(point).collect::<Vec<_>>().join(" ")
    };
    let mut body = line(LEFT, top, LEFT, bottom, "axis");
    body += &format!("<polyline points=\"{}\" class=\"acts\"/>\n", path(&|one| one.2 as f64 / acts as f64));
    if last.1 > 0.0 {
        body += &format!("<polyline points=\"{}\" class=\"cost\"/>\n", path(&|one| one.1 / most));
        body += &text(LEFT - 8.0, top + 4.0, "end", "tcost", &format!("{:.2} USD", last.1));
    }
    body += &text(LEFT - 8.0, top + 22.0, "end", "tacts", &format!("{} acts", last.2));
    body += &marked(marks, from, to, 16.0, bottom);
    body += &axis(bottom, from, to);
    let described = format!(
        "Cumulative cost (solid) and actions (dashed) from {} to {}: {:.2} USD and {} actions in all. {}",
        time(from),
        time(to),
        last.1,
        last.2,
        marks.iter().map(|mark| format!("{} at {}.", mark.name, time(mark.at))).collect::<Vec<_>>().join(" ")
    );
    drawing("spend", bottom + 28.0, "Cost and actions over time", &described, &body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_millis(1_772_460_300_000 + seconds * 1_000)
    }

    /// PM.2: gaps are to scale, the one to close first is the one that is painted as such, unknown points say so.
    #[test]
    fn the_chain_is_drawn_to_scale() {
        let stations = [
            ("action", Some(at(0))),
            ("signal", Some(at(10))),
            ("trigger", Some(at(40))),
            ("page", None),
            ("acknowledgement", Some(at(100))),
        ];
        let drawn = draw(&Chart::Chain { stations: stations.to_vec(), first: Some("signal-trigger".into()) });
        let widths: Vec<f64> = drawn
            .lines()
            .filter(|line| line.starts_with("<rect"))
            .map(|line| line.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(widths.len(), 2, "{drawn}");
        assert!((widths[1] / widths[0] - 3.0).abs() < 0.01, "{widths:?}");
        assert_eq!(drawn.matches("class=\"first\"").count(), 1);
        assert!(drawn.contains(
            "<desc id=\"chain-desc\">action to signal: 10 s; signal to trigger: 30 s; trigger to page: not recorded"
        ));
        assert!(drawn.contains("not recorded</text>"));
    }

    proptest! {
        /// Whatever the times: every coordinate is a number, and inside of the drawing.
        #[test]
        fn nothing_is_drawn_outside(times in prop::collection::vec(0i64..1_000_000_000, 1..8), level in ".{0,9}") {
            let steps: Vec<(Time, String)> = times.iter().map(|one| (at(*one), level.clone())).collect();
            let marks: Vec<Mark> = times.iter().map(|one| Mark { at: at(*one), name: level.clone() }).collect();
            let points = times.iter().map(|one| (at(*one), *one as f64, 1)).collect();
            let stations = times.iter().map(|one| ("x", Some(at(*one)))).collect();
            for chart in [
                Chart::Severity { levels: vec![level.clone()], steps, until: at(0), marks: marks.clone() },
                Chart::Chain { stations, first: None },
                Chart::Spend { points, marks },
            ] {
                let drawn = draw(&chart);
                for word in ["x", "x1", "x2", "cx", "width"] {
                    for value in drawn.split(&format!(" {word}=\"")).skip(1) {
                        let value: f64 = value.split('"').next().unwrap().parse().unwrap();
                        prop_assert!((0.0..=WIDTH).contains(&value), "{word}={value}");
                    }
                }
                prop_assert!(!drawn.contains("NaN") && !drawn.contains("inf"));
            }
        }
    }
}
