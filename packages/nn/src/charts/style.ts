import { trusted } from './markup.ts';

/** Colours and type, for light and for dark. */
export const themeStyle = trusted(`
:root{color-scheme:light dark;--ground:#f4f6f8;--surface:#fff;--ink:#17212c;--muted:#586573;--line:#dde3e9;--grid:#e8ecf0;
--primary:#2460c8;--secondary:#c4560b;--tertiary:#7444b8;--good:#177245;--good-ground:#e0f3e8;--bad:#b12f25;--bad-ground:#fbe6e3;--soft:#e9edf2}
@media (prefers-color-scheme:dark){:root{--ground:#0e1318;--surface:#161d25;--ink:#e6ecf2;--muted:#96a3b1;--line:#2b3540;--grid:#232c36;
--primary:#74abff;--secondary:#f6a25c;--tertiary:#bf98f5;--good:#63d097;--good-ground:#14352a;--bad:#f58a80;--bad-ground:#3f1f1e;--soft:#232d38}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
main{max-width:1160px;margin:0 auto;padding:clamp(20px,4vw,56px) clamp(16px,3vw,40px)}
h1{font-size:clamp(1.6rem,1.1rem + 2vw,2.5rem);line-height:1.15;letter-spacing:-.02em;margin:0 0 1.25rem;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:1.35rem;letter-spacing:-.01em;margin:3.5rem 0 .4rem}
h3{font-size:1rem;margin:0}
.lead{margin:0 0 1.25rem;color:var(--muted);max-width:46em}
.note,.empty{color:var(--muted);font-size:.85rem;margin:.5rem 0 0}
.empty{padding:1.5rem 0}
.settings{display:grid;grid-template-columns:repeat(auto-fill,minmax(clamp(124px,15vw,168px),1fr));gap:1.1rem 1.5rem;margin:0;padding:1.1rem 0;border:solid var(--line);border-width:1px 0}
.settings dt{color:var(--muted);font-size:.8rem}
.settings dd{margin:0;font-weight:550;overflow-wrap:anywhere}
footer{margin-top:3.5rem;color:var(--muted);font-size:.85rem}
`);

/** The looks of a chart. */
export const chartStyle = trusted(`
.chart{margin:0;padding:1.1rem 1.25rem;background:var(--surface);border:1px solid var(--line);border-radius:12px;min-width:0}
.chart figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:.25rem 1.5rem}
.chart p{margin:0;font-size:.8rem;color:var(--muted)}
.chart .y-label{margin:.5rem 0 .7rem}
.chart .x-label{text-align:right;margin-top:1.9rem}
.chart .note{margin-top:.5rem}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:0;padding:0;list-style:none;font-size:.8rem;color:var(--muted)}
.legend li{display:flex;align-items:center;gap:.45em}
.swatch{width:18px;height:0;border-top:2.5px solid;flex:none}
.swatch.thin{border-top-width:1px;opacity:.6}
.swatch.points{width:9px;height:9px;border:0;border-radius:50%;background:currentColor}
.swatch.level{border-top:1.5px dashed}
.swatch.primary,.tip .primary{color:var(--primary)}.swatch.secondary,.tip .secondary{color:var(--secondary)}
.swatch.tertiary,.tip .tertiary{color:var(--tertiary)}.swatch.muted,.tip .muted{color:var(--muted)}
.plot{position:relative;touch-action:pan-y}
.plot svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible;display:block}
.plot path{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round;stroke-linecap:round}
.plot .grid{stroke:var(--grid);stroke-width:1}
.plot .level{stroke:var(--muted);stroke-width:1.5;stroke-dasharray:5 5;stroke-linecap:butt}
.plot .mark{stroke-width:2.25}
.plot .mark.thin{stroke-width:1;opacity:.38}
.plot .mark.points{stroke-width:9}
.plot .primary{stroke:var(--primary)}.plot .secondary{stroke:var(--secondary)}.plot .tertiary{stroke:var(--tertiary)}.plot .muted{stroke:var(--muted)}
.tick{position:absolute;font-size:.75rem;line-height:1;color:var(--muted);white-space:nowrap;pointer-events:none}
.tick.y{right:100%;transform:translateY(-50%);padding-right:8px}
.tick.x{top:100%;transform:translateX(-50%);padding-top:9px}
.level-label{position:absolute;right:0;transform:translateY(-120%);font-size:.75rem;line-height:1.2;color:var(--muted);white-space:nowrap;pointer-events:none;text-shadow:0 0 3px var(--surface),0 0 3px var(--surface),0 0 5px var(--surface)}
.hair{position:absolute;top:0;bottom:0;width:1px;background:var(--muted);pointer-events:none}
.tip{position:absolute;top:0;left:0;z-index:1;pointer-events:none;background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:.4rem .65rem;font-size:.78rem;white-space:nowrap;box-shadow:0 4px 14px #0003}
.tip div{display:flex;justify-content:space-between;gap:1em}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:1rem;margin-top:1rem}
.columns .legend{display:none}
`);
