//! A curve as a PNG that can be read on white and on near black: no background, no text, tones in between.

use jiff::Timestamp;
use store::{Bucket, TimeRange};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform,
};

/// Twice what a mail shows, for screens that have the pixels.
const WIDTH: u32 = 928;
const HEIGHT: u32 = 240;

/// Room for the line above the highest value and below the lowest.
const MARGIN: f32 = 10.0;

/// As red, green, blue and opacity.
const LINE: [u8; 4] = [59, 130, 246, 255];
const BAND: [u8; 4] = [59, 130, 246, 80];
const LIMIT: [u8; 4] = [229, 72, 77, 255];
const INCIDENT: [u8; 4] = [229, 72, 77, 36];
const FRAME: [u8; 4] = [138, 148, 163, 120];

/// What is drawn.
pub(super) struct Curve<'a> {
    pub(super) range: TimeRange,
    /// In order; never empty.
    pub(super) buckets: &'a [Bucket],
    pub(super) lowest: f64,
    pub(super) highest: f64,
    pub(super) threshold: Option<f64>,
    pub(super) incident: TimeRange,
}

/// None only where values or times leave no room to draw.
pub(super) fn draw(curve: &Curve<'_>) -> Option<Vec<u8>> {
    let canvas = Canvas::new(curve)?;
    let mut pixmap = Pixmap::new(WIDTH, HEIGHT)?;
    let (from, to) = (canvas.x(curve.incident.from), canvas.x(curve.incident.to));
    if let Some(shade) = Rect::from_ltrb(from, 0.0, to.max(from + 2.0), HEIGHT as f32) {
        pixmap.fill_rect(shade, &paint(INCIDENT), Transform::identity(), None);
    }
    for y in [1.0, HEIGHT as f32 - 1.0] {
        stroke(&mut pixmap, level(y), FRAME, 1.5, None);
    }
    for run in runs(curve.buckets) {
        if let Some(band) = canvas.band(run) {
            pixmap.fill_path(&band, &paint(BAND), FillRule::Winding, Transform::identity(), None);
        }
        stroke(&mut pixmap, canvas.line(run), LINE, 4.0, None);
    }
    if let Some(limit) = curve.threshold {
        stroke(&mut pixmap, level(canvas.y(limit)), LIMIT, 3.0, StrokeDash::new(vec![12.0, 9.0], 0.0));
    }
    pixmap.encode_png().ok()
}

/// Where times and values are in the picture.
struct Canvas {
    from: Timestamp,
    seconds: f64,
    lowest: f64,
    height: f64,
}

impl Canvas {
    fn new(curve: &Curve<'_>) -> Option<Self> {
        let all = || [curve.lowest, curve.highest].into_iter().chain(curve.threshold);
        let (lowest, highest) = (all().reduce(f64::min)?, all().reduce(f64::max)?);
        let seconds = curve.range.to.duration_since(curve.range.from).as_secs_f64();
        // A flat line goes through the middle.
        let (lowest, height) =
            if highest > lowest { (lowest, highest - lowest) } else { (lowest - 0.5, 1.0) };
        (seconds > 0.0 && height.is_finite()).then_some(Self {
            from: curve.range.from,
            seconds,
            lowest,
            height,
        })
    }

    fn x(&self, at: Timestamp) -> f32 {
        let share = at.duration_since(self.from).as_secs_f64() / self.seconds;
        (share.clamp(0.0, 1.0) * f64::from(WIDTH)) as f32
    }

    fn y(&self, value: f64) -> f32 {
        let share = ((value - self.lowest) / self.height).clamp(0.0, 1.0) as f32;
        HEIGHT as f32 - MARGIN - share * (HEIGHT as f32 - 2.0 * MARGIN)
    }

    fn middle(&self, bucket: &Bucket) -> f32 {
        f32::midpoint(self.x(bucket.from), self.x(bucket.to))
    }

    /// Through the means; a point where there is but one.
    fn line(&self, run: &[Bucket]) -> Option<Path> {
        let mut path = PathBuilder::new();
        let at = |bucket: &Bucket| (self.middle(bucket), self.y(bucket.mean));
        let [first, rest @ ..] = run else { return None };
        let (x, y) = at(first);
        path.move_to(x, y);
        if rest.is_empty() {
            path.line_to(x + 0.1, y);
        }
        for (x, y) in rest.iter().map(at) {
            path.line_to(x, y);
        }
        path.finish()
    }

    /// From the lowest to the highest of every stretch.
    fn band(&self, run: &[Bucket]) -> Option<Path> {
        let mut path = PathBuilder::new();
        let above = run.iter().map(|bucket| (self.middle(bucket), self.y(bucket.max)));
        let below = run.iter().rev().map(|bucket| (self.middle(bucket), self.y(bucket.min)));
        for (index, (x, y)) in above.chain(below).enumerate() {
            if index == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
        }
        path.close();
        path.finish()
    }
}

/// Stretches without a gap: one is where nothing came for much longer than is usual.
fn runs(buckets: &[Bucket]) -> impl Iterator<Item = &[Bucket]> {
    let gap = |a: &Bucket, b: &Bucket| b.from.duration_since(a.from);
    let mut gaps: Vec<_> = buckets.windows(2).map(|pair| gap(&pair[0], &pair[1])).collect();
    gaps.sort();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or_default();
    buckets.chunk_by(move |a, b| gap(a, b) <= usual * 3)
}

/// From side to side.
fn level(y: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(0.0, y);
    path.line_to(WIDTH as f32, y);
    path.finish()
}

fn stroke(pixmap: &mut Pixmap, path: Option<Path>, color: [u8; 4], width: f32, dash: Option<StrokeDash>) {
    let Some(path) = path else { return };
    let line_cap = if dash.is_some() { LineCap::Butt } else { LineCap::Round };
    let stroke = Stroke { width, line_cap, line_join: LineJoin::Round, dash, ..Stroke::default() };
    pixmap.stroke_path(&path, &paint(color), &stroke, Transform::identity(), None);
}

fn paint([red, green, blue, opacity]: [u8; 4]) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(Color::from_rgba8(red, green, blue, opacity));
    paint
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(minute: i64, mean: f64) -> Bucket {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        Bucket { from: at(minute), to: at(minute + 1), min: mean - 1.0, max: mean + 1.0, mean, count: 3 }
    }

    fn drawn(buckets: &[Bucket], threshold: Option<f64>) -> Option<Pixmap> {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let range = TimeRange { from: at(0), to: at(60) };
        let incident = TimeRange { from: at(30), to: at(90) };
        let lowest = buckets.iter().map(|bucket| bucket.min).fold(f64::MAX, f64::min);
        let highest = buckets.iter().map(|bucket| bucket.max).fold(f64::MIN, f64::max);
        let png = draw(&Curve { range, buckets, lowest, highest, threshold, incident })?;
        Some(Pixmap::decode_png(&png).unwrap())
    }

    fn alpha(pixmap: &Pixmap, x: u32, y: u32) -> u8 {
        pixmap.pixel(x, y).unwrap().alpha()
    }

    #[test]
    fn a_picture_has_no_background_and_shades_the_incident() {
        let buckets: Vec<_> = (0..60).map(|minute| bucket(minute, 20.0 + minute as f64 / 10.0)).collect();
        let picture = drawn(&buckets, Some(24.0)).unwrap();
        assert_eq!((picture.width(), picture.height()), (WIDTH, HEIGHT));
        assert_eq!(alpha(&picture, 100, 30), 0, "before the incident there is nothing but the curve");
        assert_eq!(alpha(&picture, 700, HEIGHT - 20), INCIDENT[3]);
    }

    #[test]
    fn a_time_without_values_is_no_line() {
        let buckets: Vec<_> = (0..10).chain(40..60).map(|minute| bucket(minute, 20.0)).collect();
        assert_eq!(runs(&buckets).map(<[_]>::len).collect::<Vec<_>>(), [10, 20]);
        let picture = drawn(&buckets, None).unwrap();
        let middle = HEIGHT / 2;
        assert!(alpha(&picture, 80, middle) > 200 && alpha(&picture, 300, middle) == 0);
    }

    #[test]
    fn whatever_the_values_are_nothing_breaks() {
        for values in
            [vec![20.0], vec![20.0, 20.0], vec![-1e300, 1e300], vec![f64::MIN, f64::MAX], vec![0.0, 1e-320]]
        {
            let buckets: Vec<_> =
                values.iter().enumerate().map(|(n, value)| bucket(n as i64, *value)).collect();
            let _ = drawn(&buckets, Some(25.0));
        }
    }
}
