/** The style sheet, in light and dark as the system of the user prefers. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f6f6f3; --card: #ffffff; --line: #e2e2dc; --ink: #1c1f23; --soft: #565c64; --accent: #1f5fae;
  --accent-ink: #ffffff; --edge: #767c85; --chip: #eef1f5; --good: #14663a; --bad: #a3271d; --wait: #7a4d00; --shadow: 0 1px 2px #0000000d, 0 8px 24px #0000000d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121417; --card: #1b1e23; --line: #30353c; --ink: #e9ebee; --soft: #a8afb9; --accent: #8fbdf7;
    --accent-ink: #0d1a2b; --edge: #868d97; --chip: #282d34; --good: #7fd6a2; --bad: #ff9d92; --wait: #f0c36d; --shadow: none;
  }
}
*, *::before, *::after { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.25; margin: 0; letter-spacing: -0.01em; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; } h3 { font-size: 0.95rem; }
p { margin: 0.5rem 0 0; } a { color: var(--accent); text-underline-offset: 0.2em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -999px; } .skip:focus { left: 1rem; top: 0.6rem; background: var(--card); padding: 0.4rem 0.8rem; z-index: 1; }
.narrow { max-width: 34rem; margin-inline: auto; padding-inline: 1.25rem; }
.wide { max-width: 96rem; margin-inline: auto; padding-inline: 1.5rem; }
.bar { border-bottom: 1px solid var(--line); background: var(--card); }
.bar > div { display: flex; align-items: center; gap: 0.75rem; padding-block: 0.75rem; }
.brand { color: inherit; font-weight: 650; text-decoration: none; display: inline-flex; align-items: center; gap: 0.6rem; }
.mark { width: 1rem; height: 1rem; border-radius: 50% 50% 50% 0; background: var(--accent); transform: rotate(-45deg); }
.where { font-size: 0.8rem; color: var(--soft); background: var(--chip); border-radius: 1rem; padding: 0.05rem 0.6rem; }
main { padding-block: 2rem; } main.narrow { padding-top: clamp(1.5rem, 8vh, 5rem); }
footer { padding-block: 0.5rem 2.5rem; color: var(--soft); font-size: 0.85rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); padding: 1.5rem; }
.narrow .card { padding: 2rem; }
.notice { border-top: 4px solid var(--bad); } .notice.good { border-top-color: var(--good); } .notice.denied { border-top-style: double; border-top-width: 6px; }
.notice h1::before, .state::before, .flash::before { content: "! "; content: "! " / ""; color: var(--bad); font-weight: 700; }
.notice.good h1::before, .state.ok::before, .flash.ok::before { content: "✓ "; content: "✓ " / ""; color: var(--good); }
.notice.denied h1::before, .state.no::before, .flash.no::before { content: "✕ "; content: "✕ " / ""; color: var(--bad); }
.state.wait::before, .flash.info::before { content: "• "; content: "• " / ""; color: inherit; }
.name { unicode-bidi: isolate; white-space: pre-wrap; }
.copyable { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin-top: 0.75rem; }
.url { flex: 0 1 auto; min-width: 0; overflow-wrap: anywhere; unicode-bidi: isolate; font-size: 0.9em; } code.url { user-select: all; }
.notice .url { flex: 1 1 100%; padding: 0.6rem 0.8rem; border: 1px solid var(--line); border-radius: 8px; }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.soft { color: var(--soft); } .small { font-size: 0.875rem; }
.scopes { list-style: none; padding: 0; margin: 0.6rem 0 0; border: 1px solid var(--line); border-radius: 8px; }
.scopes li { padding: 0.55rem 0.9rem; } .scopes li + li { border-top: 1px solid var(--line); }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.9em; }
.facts { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.3rem 1.25rem; margin: 1.25rem 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; }
.hint { margin-top: 1rem; }
.choice { display: grid; grid-template-columns: 1fr 1fr; gap: 0.75rem; margin-top: 1.75rem; } .choice button { padding-inline: 0.5rem; }
button { font: inherit; font-weight: 600; padding: 0.6rem 1.1rem; border-radius: 8px; border: 1px solid var(--edge); background: var(--card); color: var(--ink); cursor: pointer; min-height: 2.75rem; }
button.main { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
button:hover { border-color: var(--ink); } button.main:hover { filter: brightness(1.08); }
button.small { padding: 0.15rem 0.7rem; min-height: 1.9rem; font-weight: 500; border-color: var(--edge); background: var(--chip); white-space: nowrap; }
.head { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: end; justify-content: space-between; margin-bottom: 1.5rem; }
.grid { display: grid; gap: 1.25rem; grid-template-columns: repeat(2, minmax(0, 1fr)); } .all { grid-column: 1 / -1; }
@media (max-width: 60rem) { .grid { grid-template-columns: minmax(0, 1fr); } }
.card > h2 { display: flex; gap: 0.5rem; align-items: center; margin-bottom: 0.75rem; }
.count { font-size: 0.8rem; font-weight: 500; color: var(--soft); background: var(--chip); border-radius: 1rem; padding: 0 0.55rem; }
.scroll { overflow: auto; max-height: 26rem; margin-inline: -0.5rem; }
table { width: 100%; border-collapse: collapse; font-size: 0.9rem; }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: 0.8rem; position: sticky; top: 0; background: var(--card); white-space: nowrap; }
th, td { padding: 0.45rem 0.5rem; vertical-align: top; } td { border-top: 1px solid var(--line); }
/* No column breaks a short name. A long one takes the room that is left, and wraps. */
td .name { white-space: pre; } td .name.long { display: inline-block; min-width: 11rem; white-space: pre-wrap; overflow-wrap: anywhere; vertical-align: top; } td .copyable { margin: 0; flex-wrap: nowrap; align-items: start; } td .url { min-width: 11rem; }
td.row { text-align: right; } td.row form { display: inline-flex; flex-wrap: wrap; justify-content: end; gap: 0.4rem; width: min-content; }
td.time { white-space: nowrap; color: var(--soft); font-variant-numeric: tabular-nums; }
@media (max-width: 60rem) {
  .scroll { margin-inline: 0; } .scroll table, .scroll tbody, .scroll tr, .scroll td { display: block; }
  .scroll thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .scroll tr { border-top: 1px solid var(--line); padding-block: 0.6rem; }
  .scroll td { border: 0; padding: 0.15rem 0; display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0.75rem; align-items: start; }
  .scroll td::before { content: attr(data-head); color: var(--soft); font-size: 0.8rem; line-height: 1.9; }
  .scroll td:has(> :empty) { display: none; }
  td .name, td .name.long { display: inline; white-space: pre-wrap; overflow-wrap: anywhere; } td .copyable { flex-wrap: wrap; } td .url { min-width: 0; }
  td.row { text-align: left; white-space: normal; } td.row form { width: auto; justify-content: start; }
}
@media (max-width: 30rem) {
  .wide, .narrow { padding-inline: 1rem; } .card, .narrow .card { padding: 1.15rem; }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; } .facts dd + dt { margin-top: 0.6rem; }
}
.state { font-weight: 600; white-space: nowrap; } .ok { color: var(--good); } .no { color: var(--bad); } .wait { color: var(--wait); } .over { color: var(--soft); }
.flash, .flash.ok, .flash.no { color: var(--ink); }
.flash { border-left: 4px solid var(--accent); background: var(--card); padding: 0.6rem 1rem; border-radius: 6px; margin: 0 0 1.25rem; } .flash.ok { border-left-color: var(--good); } .flash.no { border-left: 6px double var(--bad); }
.fields { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: end; } .fields + .fields, .card > form + form { margin-top: 1.25rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
label { display: grid; gap: 0.25rem; font-size: 0.85rem; color: var(--soft); min-width: 0; } label.grow { flex: 1 1 14rem; }
input, select { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--edge); border-radius: 8px; padding: 0.5rem 0.7rem; min-height: 2.75rem; width: 100%; }
input[type="number"] { width: 7rem; }
fieldset { border: 0; padding: 0; margin: 0; min-width: 0; } legend { font-weight: 600; padding: 0; margin-bottom: 0.5rem; }
`
