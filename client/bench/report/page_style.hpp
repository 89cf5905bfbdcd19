// How the page of a load test looks: calm, in both themes, and on paper.
#pragma once

#include <string_view>

namespace fairlead {

// Contrast with the background: text 4.5 and more, curves 3 and more (WCAG 2.2, 1.4.3 and 1.4.11).
inline constexpr std::string_view kPageStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1c2330; --quiet: #5a6475; --rule: #dfe3ea;
  --leading: #1f5fae; --second: #b3500f; --third: #6b7484; --alarm: #c0262d;
  --good: #18733f; --good-soft: #e6f4ea; --doubt: #855700; --doubt-soft: #fdf3da; --bad: #b3212a; --bad-soft: #fdebec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --card: #1a2029; --text: #e4e8ef; --quiet: #a0aaba; --rule: #313a47;
    --leading: #6fb1f7; --second: #f2a35c; --third: #97a2b3; --alarm: #ff7b80;
    --good: #6fd296; --good-soft: #16301f; --doubt: #f0c052; --doubt-soft: #33290f; --bad: #ff8e93; --bad-soft: #3a191c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 940px; margin: 0 auto; padding: 36px 24px 56px; }
.kind { margin: 0; color: var(--quiet); font-size: 13px; letter-spacing: .02em; }
h1 { margin: 2px 0 4px; font-size: 27px; font-weight: 650; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 0 0 4px; font-size: 17px; font-weight: 650; }
p { margin: 0; max-width: 88ch; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: 14px; }
section { margin-top: 20px; padding: 20px 24px 22px; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.verdict { border-left: 6px solid; }
.verdict h2 { margin: 0; font-size: 19px; letter-spacing: .03em; }
.verdict ul { margin: 6px 0 0; padding-left: 20px; overflow-wrap: anywhere; }
.valid { border-left-color: var(--good); background: var(--good-soft); } .valid h2, .met { color: var(--good); }
.doubtful { border-left-color: var(--doubt); background: var(--doubt-soft); } .doubtful h2 { color: var(--doubt); }
.invalid { border-left-color: var(--bad); background: var(--bad-soft); } .invalid h2, .missed { color: var(--bad); }
.figures {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(128px, 1fr)); gap: 1px; margin: 20px 0 0; padding: 0;
  background: var(--card); border: 1px solid var(--rule); border-radius: 10px; overflow: hidden;
}
.figures div { padding: 13px 18px 14px; box-shadow: 0 0 0 1px var(--rule); }
.figures dt { color: var(--quiet); font-size: 13px; }
.figures dd { margin: 0; font-size: 21px; font-weight: 600; white-space: nowrap; }
.figures .some { color: var(--bad); }
table { margin-top: 12px; border-collapse: collapse; }
th, td { padding: 4px 28px 4px 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
td { min-width: 13ch; overflow-wrap: anywhere; }
.numbers td, .numbers thead th + th { min-width: 96px; text-align: right; white-space: nowrap; }
.met, .missed { font-weight: 600; white-space: nowrap; }
pre { margin: 12px 0 0; overflow-x: auto; font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
code { font: 13.5px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
svg { display: block; width: 100%; height: auto; margin-top: 14px; }
svg text { fill: var(--quiet); font: 12px system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
svg .y-tick, svg .to-end { text-anchor: end; } svg .x-tick { text-anchor: middle; } svg .legend { fill: var(--text); }
.grid { stroke: var(--rule); } .faint { stroke-opacity: .45; } .axis { stroke: var(--third); }
.band { fill: var(--third); fill-opacity: .12; }
.note { fill: var(--text); fill-opacity: 0; } .note:hover { fill-opacity: .09; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.curve.leading { stroke: var(--leading); stroke-width: 2.4; }
.curve.second { stroke: var(--second); stroke-dasharray: 8 4; }
.curve.third { stroke: var(--third); stroke-dasharray: 1.5 3.5; stroke-linecap: round; }
.area.leading { fill: var(--leading); fill-opacity: .13; }
.bar { shape-rendering: crispEdges; } .bar.leading { fill: var(--leading); fill-opacity: .85; } .bar.alarm { fill: var(--alarm); }
details { margin-top: 12px; } summary { color: var(--quiet); font-size: 14px; cursor: pointer; }
.wide { overflow-x: auto; } .wide table { font-size: 13.5px; } .wide th, .wide td { padding-right: 18px; }
@media (max-width: 600px) { main { padding: 20px 12px; } section { padding: 16px; } th, td { padding-right: 14px; } }
@media print {
  :root {
    --page: #fff; --card: #fff; --text: #000; --quiet: #444; --rule: #ccc;
    --leading: #1f5fae; --second: #b3500f; --third: #6b7484; --alarm: #c0262d;
    --good: #18733f; --good-soft: #fff; --doubt: #855700; --doubt-soft: #fff; --bad: #b3212a; --bad-soft: #fff;
  }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } section, .figures { break-inside: avoid; }
  .note { display: none; } details:not([open]) { display: none; }
}
)css";

}  // namespace fairlead
