// How the report looks, in light and dark. Everything is within the file: no font, script or picture is fetched.

export const style = `
:root {
  color-scheme: light dark;
  --page: #f7f7f5; --card: #ffffff; --line: #e3e2de; --grid: #ecebe7; --ink: #21211f; --quiet: #6d6b66;
  --ours: #b4532a; --ours-soft: #e2a582; --rival: #8f9aa5; --rival-soft: #c3cad1; --good: #2f7d4f; --bad: #b3261e;
  --s1: #b4532a; --s2: #3b6ea5; --s3: #4f8a5b; --s4: #8a5a9e; --s5: #c28f2c; --s6: #6d6b66; --s7: #c05c7e; --s8: #3d8f93;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #17171a; --card: #202024; --line: #34343a; --grid: #2b2b30; --ink: #e8e6e1; --quiet: #a19e97;
    --ours: #e58a5c; --ours-soft: #8f5a3f; --rival: #7d8894; --rival-soft: #4d5660; --good: #77c797; --bad: #f2897f;
    --s1: #e58a5c; --s2: #7fb0e6; --s3: #86c795; --s4: #c39ad6; --s5: #e3bb62; --s6: #a19e97; --s7: #ea93b1; --s8: #74c6ca;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 44px 0 4px; letter-spacing: -0.01em; }
h2 small { font-weight: 400; color: var(--quiet); font-size: 14px; margin-left: 8px; }
h3 { font-size: 14px; margin: 0 0 10px; font-weight: 600; }
p { margin: 6px 0; max-width: 80ch; }
.quiet { color: var(--quiet); font-size: 13.5px; }
.bad { color: var(--bad); } .good { color: var(--good); }
nav { margin: 18px 0 0; display: flex; flex-wrap: wrap; gap: 6px; }
nav a { padding: 3px 11px; border: 1px solid var(--line); border-radius: 999px; background: var(--card); color: inherit; text-decoration: none; font-size: 13.5px; }
nav a:hover { border-color: var(--ours); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 12px; margin: 22px 0 0; }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; min-width: 0; }
.tile b { display: block; font-size: 23px; font-weight: 650; letter-spacing: -0.02em; }
.tile span { color: var(--quiet); font-size: 13px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); gap: 14px; margin-top: 14px; align-items: start; }
.wide { grid-column: 1 / -1; }
.split { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: 8px 28px; align-items: center; }
@media (max-width: 800px) { .split { grid-template-columns: minmax(0, 1fr); } }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--ink); font-size: 12px; font-family: inherit; }
svg text.quiet { fill: var(--quiet); font-size: 11px; }
svg .ours { font-weight: 650; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 500; color: var(--quiet); border-bottom: 1px solid var(--line); padding: 4px 8px; white-space: nowrap; }
td { text-align: right; padding: 4px 8px; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; } td.text, th.text { text-align: left; white-space: normal; }
tr:last-child td { border-bottom: 0; }
tr.ours td:first-child { font-weight: 650; }
.scroll { overflow-x: auto; }
details { margin-top: 10px; } summary { cursor: pointer; color: var(--quiet); font-size: 13px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 12.5px; margin-top: 8px; color: var(--quiet); }
.legend i { display: inline-block; width: 12px; height: 3px; border-radius: 2px; margin-right: 6px; vertical-align: middle; }
footer { margin-top: 48px; color: var(--quiet); font-size: 13px; border-top: 1px solid var(--line); padding-top: 14px; }
@media print { .card, .tile { break-inside: avoid; } details > *:not(summary) { display: block; } }
`
